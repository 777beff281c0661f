"""Plain completions on our own engine, every turn under the grammar of a whole harmony turn."""

from collections.abc import Callable, Sequence

from engine.errors import ContextLengthError as EngineContextError
from engine.errors import EngineError, RequestError
from engine.grammar import GrammarError
from engine.harmony.errors import HarmonyError
from engine.harmony.render import render_conversation
from engine.job import Terms
from engine.types import FinishReason as EngineFinish
from engine.types import Generation, GenerationRequest, Sampling, TokenLogprob, TokenLogprobs
from finsvc.adapters.engine import EngineModel, unavailable
from finsvc.adapters.final_stream import FinalStream
from finsvc.adapters.raw_model_prompt import callable_tools, checks, conversation, grammar
from finsvc.domain.errors import ContextLengthError, InputError
from finsvc.domain.turns import ModelIdentity, TurnTrace
from finsvc.services.chat import ChatCommand, OnText, RawPrompt, RawTurn
from finsvc.services.conversation import (
    Candidate,
    ChatToolCall,
    ConstraintError,
    FinishReason,
    TokenChoice,
    ToolUse,
)

# What a caller who sets no bound gets at most; a model that does not stop must end.
DEFAULT_NEW_TOKENS = 1024

_FIELDS = {"max_new_tokens": "max_completion_tokens", "prompt_ids": "messages"}


class EngineRawModel:
    """Implements the services' `RawModel` with the engine that the agents use too."""

    def __init__(self, model: EngineModel) -> None:
        self._model = model

    @property
    def identity(self) -> ModelIdentity:
        """Name and fingerprint of the model."""
        return self._model.identity

    def prepare(self, command: ChatCommand) -> RawPrompt:
        """Render the conversation, fit the answer into the context and build its grammar.

        Raises:
            InputError: A message, tool or schema is out of order.
            ContextLengthError: No room is left for the answer, or for the bound asked for.
        """
        engine = self._model.engine
        try:
            prompt_ids = tuple(render_conversation(conversation(command), engine.tokenizer))
        except HarmonyError as error:
            raise InputError(
                field=error.field, expected=error.expected, actual=error.actual
            ) from error
        limit = engine.info.context_length
        room = limit - len(prompt_ids)
        wanted = command.options.max_tokens
        if room < (wanted or 1):
            raise ContextLengthError(
                field="messages", limit=limit, prompt=len(prompt_ids), answer=wanted or 1
            )
        return RawPrompt(
            prompt_ids=prompt_ids,
            max_new_tokens=wanted or min(room, DEFAULT_NEW_TOKENS),
            tool_names=frozenset(tool.name for tool in callable_tools(command)),
            options=command.options,
            tenant=command.principal.id,
            grammar=grammar(command),
            tool_use=command.tool_use,
            checks=checks(command),
        )

    def run(self, prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        """Sample one turn, its texts as they grow.

        Raises:
            InputError: The engine cannot run a value of the request.
            ConstraintError: The turn breaks a schema of the request.
            UnavailableError: The engine failed or is not there; BusyError when its queue is full.
        """
        request = _request(prompt, self._model.stop_ids)
        stream = _stream(prompt, self._model, on_text)
        table = self._model.engine.tokenizer.token_bytes
        try:
            generation = self._model.engine.generate(
                request,
                grammar=prompt.grammar,
                terms=Terms(tenant=prompt.tenant),
                on_token=stream.take,
                on_logprobs=lambda item: stream.note(_choice(prompt, item, table)),
                is_cancelled=lambda: stream.is_stopped or is_cancelled(),
            )
        except EngineContextError as error:
            raise ContextLengthError(
                field="messages",
                limit=error.context_length,
                prompt=error.prompt_tokens,
                answer=error.max_new_tokens,
            ) from error
        except (RequestError, GrammarError) as error:
            field = _FIELDS.get(error.field, error.field)
            raise InputError(field=field, expected=error.expected, actual=error.actual) from error
        except EngineError as error:
            raise unavailable(error) from error
        stream.finish()
        turn = _turn(prompt, request, generation, stream, table)
        _check(prompt, turn, stream)
        return turn


def _request(prompt: RawPrompt, stop_ids: frozenset[int]) -> GenerationRequest:
    options = prompt.options
    return GenerationRequest(
        prompt_ids=prompt.prompt_ids,
        max_new_tokens=prompt.max_new_tokens,
        stop_ids=stop_ids,
        sampling=Sampling(temperature=options.temperature, top_p=options.top_p, seed=options.seed),
        # The engine reports the sampled token's own probability beside alternatives only.
        top_logprobs=0 if options.top_logprobs is None else max(1, options.top_logprobs),
    )


def _stream(prompt: RawPrompt, model: EngineModel, on_text: OnText) -> FinalStream:
    checks = prompt.checks
    return FinalStream(
        model.engine.tokenizer,
        stops=prompt.options.stop,
        on_text=on_text,
        tools=prompt.tool_names,
        check=None if checks is None else checks.call,
        is_answer_json=checks is not None and checks.answer is not None,
    )


def _turn(
    prompt: RawPrompt,
    request: GenerationRequest,
    generation: Generation,
    stream: FinalStream,
    table: Sequence[bytes | None],
) -> RawTurn:
    turn = stream.turn
    # A call that comes after a stop sequence was never said.
    made = () if stream.is_stopped else turn.calls
    calls = tuple(ChatToolCall(id="", name=call.name, arguments=call.arguments) for call in made)
    positions = stream.content_positions if prompt.options.top_logprobs is not None else []
    logprobs = tuple(
        _choice(prompt, generation.logprobs[position], table) for position in positions
    )
    return RawTurn(
        content=stream.text if stream.text or not calls else None,
        calls=calls,
        finish_reason=_finish_reason(generation, stream, has_calls=bool(calls)),
        repairs=tuple(repair.value for repair in turn.repairs),
        reasoning_tokens=turn.reasoning_tokens,
        logprobs=logprobs,
        trace=_trace(request, prompt.grammar, generation),
        reasoning=turn.analysis or "",
    )


def _check(prompt: RawPrompt, turn: RawTurn, stream: FinalStream) -> None:
    """Hand out no whole turn that breaks what was asked for; one that was cut off says so."""
    is_whole = turn.finish_reason is FinishReason.STOP and not stream.is_stopped
    if not is_whole:
        return
    if prompt.tool_use is ToolUse.REQUIRED:
        raise ConstraintError("answer: expected a call of a tool, got none that fits its schema")
    check = None if prompt.checks is None else prompt.checks.answer
    if check is not None and not check(turn.content or ""):
        raise ConstraintError("answer: expected JSON that fits the schema, got another")


def _choice(prompt: RawPrompt, item: TokenLogprobs, table: Sequence[bytes | None]) -> TokenChoice:
    shown = item.top[: prompt.options.top_logprobs]
    return TokenChoice(
        chosen=_candidate(item.sampled, table), top=tuple(_candidate(o, table) for o in shown)
    )


def _candidate(item: TokenLogprob, table: Sequence[bytes | None]) -> Candidate:
    data = table[item.token_id] if item.token_id < len(table) else None
    return Candidate(data=data or b"", logprob=item.logprob)


def _finish_reason(generation: Generation, stream: FinalStream, *, has_calls: bool) -> FinishReason:
    if stream.is_stopped:
        return FinishReason.STOP
    if has_calls:
        return FinishReason.TOOL_CALLS
    return {
        EngineFinish.STOP: FinishReason.STOP,
        EngineFinish.LENGTH: FinishReason.LENGTH,
        EngineFinish.CANCELLED: FinishReason.CANCELLED,
    }[generation.finish_reason]


def _trace(request: GenerationRequest, lark: str, generation: Generation) -> TurnTrace:
    return TurnTrace(
        prompt_ids=request.prompt_ids,
        grammar=lark,
        stop_ids=tuple(sorted(request.stop_ids)),
        max_new_tokens=request.max_new_tokens,
        temperature=request.sampling.temperature,
        top_p=request.sampling.top_p,
        seed=request.sampling.seed,
        token_ids=generation.token_ids,
        logit_digest=generation.logit_digest,
        finish_reason=generation.finish_reason.value,
        cached_tokens=generation.cached_tokens,
    )
