"""Plain completions on our own engine: OpenAI's messages to harmony and back, no grammar.

Operators' messages become the developer message, since harmony keeps the system message for the
model's own settings. A call's identifier exists only for the caller; harmony knows tools by name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.errors import ContextLengthError as EngineContextError
from engine.errors import EngineError, RequestError
from engine.harmony.errors import HarmonyError
from engine.harmony.messages import (
    Conversation,
    DeveloperPrompt,
    Message,
    ReasoningEffort,
    SystemPrompt,
    ToolSpec,
)
from engine.harmony.parse import parse_turn
from engine.harmony.render import render_conversation
from engine.job import Terms
from engine.types import FinishReason as EngineFinish
from engine.types import Generation, GenerationRequest, Sampling, TokenLogprob
from finsvc.adapters.engine import IDENTITY, EngineModel, unavailable
from finsvc.adapters.final_stream import FinalStream
from finsvc.domain.errors import ContextLengthError, InputError
from finsvc.domain.turns import ModelIdentity, TurnTrace
from finsvc.services.chat import (
    Candidate,
    ChatCommand,
    ChatMessage,
    ChatRole,
    ChatTool,
    ChatToolCall,
    FinishReason,
    OnText,
    RawPrompt,
    RawTurn,
    TokenChoice,
)

# What a caller who sets no bound gets at most; a model that does not stop must end.
DEFAULT_NEW_TOKENS = 1024

_OPERATOR = (ChatRole.SYSTEM, ChatRole.DEVELOPER)
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
        """Render the conversation and fit the answer into the context.

        Raises:
            InputError: A message or tool is out of order.
            ContextLengthError: No room is left for the answer, or for the bound asked for.
        """
        engine = self._model.engine
        try:
            prompt_ids = tuple(render_conversation(_conversation(command), engine.tokenizer))
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
            tool_names=frozenset(tool.name for tool in command.tools),
            options=command.options,
            tenant=command.principal.id,
        )

    def run(self, prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        """Sample one turn, its text as it grows.

        Raises:
            InputError: The engine cannot run a value of the request.
            UnavailableError: The engine failed or is not there; BusyError when its queue is full.
        """
        engine = self._model.engine
        options = prompt.options
        request = GenerationRequest(
            prompt_ids=prompt.prompt_ids,
            max_new_tokens=prompt.max_new_tokens,
            stop_ids=self._model.stop_ids,
            sampling=Sampling(
                temperature=options.temperature, top_p=options.top_p, seed=options.seed
            ),
            # The engine reports the sampled token's own probability beside alternatives only.
            top_logprobs=0 if options.top_logprobs is None else max(1, options.top_logprobs),
        )
        stream = FinalStream(engine.tokenizer, stops=options.stop, on_text=on_text)
        try:
            generation = engine.generate(
                request,
                terms=Terms(tenant=prompt.tenant),
                on_token=stream.take,
                is_cancelled=lambda: stream.is_stopped or is_cancelled(),
            )
        except EngineContextError as error:
            raise ContextLengthError(
                field="messages",
                limit=error.context_length,
                prompt=error.prompt_tokens,
                answer=error.max_new_tokens,
            ) from error
        except RequestError as error:
            field = _FIELDS.get(error.field, error.field)
            raise InputError(field=field, expected=error.expected, actual=error.actual) from error
        except EngineError as error:
            raise unavailable(error) from error
        return self._turn(prompt, request, generation, stream)

    def _turn(
        self,
        prompt: RawPrompt,
        request: GenerationRequest,
        generation: Generation,
        stream: FinalStream,
    ) -> RawTurn:
        tokenizer = self._model.engine.tokenizer
        turn = parse_turn(generation.token_ids, tokenizer, prompt.tool_names)
        stream.finish()
        calls = tuple(
            ChatToolCall(id="", name=call.name, arguments=call.arguments) for call in turn.calls
        )
        if stream.is_stopped:
            calls = ()
        table = tokenizer.token_bytes
        top = prompt.options.top_logprobs
        logprobs = (
            tuple(
                TokenChoice(
                    chosen=_candidate(generation.logprobs[position].sampled, table),
                    top=tuple(
                        _candidate(item, table) for item in generation.logprobs[position].top[:top]
                    ),
                )
                for position in stream.content_positions
            )
            if top is not None
            else ()
        )
        return RawTurn(
            content=stream.text if stream.text or not calls else None,
            calls=calls,
            finish_reason=_finish_reason(generation, stream, has_calls=bool(calls)),
            repairs=tuple(repair.value for repair in turn.repairs),
            reasoning_tokens=turn.reasoning_tokens,
            logprobs=logprobs,
            trace=_trace(request, generation),
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


def _trace(request: GenerationRequest, generation: Generation) -> TurnTrace:
    return TurnTrace(
        prompt_ids=request.prompt_ids,
        grammar="",
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


def _conversation(command: ChatCommand) -> Conversation:
    leading = 0
    while leading < len(command.messages) and command.messages[leading].role in _OPERATOR:
        leading += 1
    operator, rest = command.messages[:leading], command.messages[leading:]
    if not rest:
        raise InputError(field="messages", expected="a message of the user", actual="none")
    tools = tuple(_tool(tool) for tool in command.tools)
    instructions = "\n\n".join(message.content for message in operator) or None
    has_developer = instructions is not None or bool(tools)
    return Conversation(
        system=SystemPrompt(
            identity=IDENTITY, effort=ReasoningEffort(command.options.effort.value)
        ),
        developer=DeveloperPrompt(instructions=instructions, tools=tools)
        if has_developer
        else None,
        messages=tuple(_History(rest, offset=leading)),
    )


def _tool(tool: ChatTool) -> ToolSpec:
    return ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters)


class _History:
    """The messages after the operator's, as harmony's: every call followed by its result."""

    def __init__(self, messages: Sequence[ChatMessage], *, offset: int) -> None:
        self.messages = messages
        self.offset = offset

    def __iter__(self) -> Iterator[Message]:
        results = self._results()
        for index, message in enumerate(self.messages):
            match message.role:
                case ChatRole.USER:
                    yield Message.user(message.content)
                case ChatRole.ASSISTANT:
                    yield from self._assistant(index, message, results)
                case ChatRole.TOOL:
                    self._check_called(index, message)
                case ChatRole.SYSTEM | ChatRole.DEVELOPER:
                    raise self._wrong(index, "role", "system messages at the begin", "one later")

    def _results(self) -> Mapping[str, str]:
        return {
            message.tool_call_id: message.content
            for message in self.messages
            if message.role is ChatRole.TOOL and message.tool_call_id is not None
        }

    def _assistant(
        self, index: int, message: ChatMessage, results: Mapping[str, str]
    ) -> Iterator[Message]:
        if message.content:
            build = Message.preamble if message.tool_calls else Message.final
            yield build(message.content)
        for call in message.tool_calls:
            if call.id not in results:
                raise self._wrong(index, "tool_calls", "a tool message for each", call.id)
            yield Message.tool_call(call.name, call.arguments)
            yield Message.tool_result(call.name, results[call.id])

    def _check_called(self, index: int, message: ChatMessage) -> None:
        called = {call.id for item in self.messages[:index] for call in item.tool_calls}
        if message.tool_call_id not in called:
            actual = repr(message.tool_call_id)
            raise self._wrong(index, "tool_call_id", "the id of an earlier call", actual)

    def _wrong(self, index: int, field: str, expected: str, actual: str) -> InputError:
        name = f"messages.{index + self.offset}.{field}"
        return InputError(field=name, expected=expected, actual=actual)
