"""The agents' language model on our own engine: harmony prompts, grammar masks, traces.

The engine runs in this process or in its own; neither this file nor its callers need torch.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import DeadlineError, EngineError, EngineStoppedError, QueueFullError
from engine.facade import ModelEngine
from engine.grammar import AgentTurnGrammar, GrammarEngine, ToolGrammar, TurnRules
from engine.harmony.messages import Conversation, DeveloperPrompt, Message, SystemPrompt, ToolSpec
from engine.harmony.parse import parse_turn
from engine.harmony.render import render_conversation
from engine.job import Priority, Terms
from engine.types import Generation, GenerationRequest, Sampling
from finsvc.agents.catalogue import AgentTool
from finsvc.agents.model import SAMPLE_TEMPERATURE
from finsvc.domain.errors import BusyError, TimedOutError, UnavailableError
from finsvc.domain.turns import ModelIdentity, ModelTurn, RequestedCall, TurnTrace

IDENTITY = "You are finsvc, a careful assistant for regulated finance."
EMBEDDED_FOLDER = Path(__file__).resolve().parents[2] / "engine" / "embedded"

# A call or an answer of the agents is far shorter; the bound ends a model that does not stop.
MAX_NEW_TOKENS = 512

# The sampled token may be among the likeliest; the best of the others makes the margin.
_TOP_LOGPROBS = 2
_SEEDS = 2**64


class EngineModel:
    """Implements the agents' `LanguageModel` with an engine, wherever that runs."""

    def __init__(self, engine: ModelEngine, *, name: str) -> None:
        """Build the grammar table of the engine's tokenizer once."""
        self._engine = engine
        vocab_size = engine.info.vocab_size
        self._grammars = GrammarEngine(engine.tokenizer, vocab_size=vocab_size)
        self._name = name
        self._stop_ids = frozenset(
            engine.tokenizer.special_id(token) for token in ("<|return|>", "<|call|>")
        )

    @property
    def engine(self) -> ModelEngine:
        """The engine behind the model, for raw completions and replay."""
        return self._engine

    @property
    def identity(self) -> ModelIdentity:
        """Name and fingerprint of the model."""
        fingerprint = self._engine.fingerprint
        return ModelIdentity(
            name=self._name,
            fingerprint=fingerprint.digest,
            manifest=json.loads(fingerprint.to_json()),
        )

    def open(
        self,
        *,
        instructions: str,
        tools: Sequence[AgentTool],
        user_message: str,
        tenant: str,
        seed: int | None = None,
    ) -> "EngineDialogue":
        """Start a conversation about one question."""
        specs = tuple(
            ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters)
            for tool in tools
        )
        conversation = Conversation(
            system=SystemPrompt(identity=IDENTITY),
            developer=DeveloperPrompt(instructions=instructions, tools=specs),
            messages=(Message.user(user_message),),
        )
        # A person waits for an agent's next step, which is short.
        terms = Terms(tenant=tenant, priority=Priority.INTERACTIVE)
        return EngineDialogue(
            self, conversation=conversation, span_source=user_message, terms=terms, seed=seed
        )

    def turn_grammar(
        self,
        tools: Sequence[ToolSpec],
        *,
        span_source: str,
        references: Sequence[str],
        may_call: bool,
    ) -> AgentTurnGrammar:
        """The grammar of a turn: a call with spans of the question, or a final with references.

        A turn after a result that may already be cited can still call again; only a first turn may
        answer without any reference, which is how the model asks back and declines.
        """
        return self._grammars.agent_turn(
            [ToolGrammar.from_spec(tool) for tool in tools],
            span_source=span_source,
            references=references,
            rules=TurnRules(allow_calls=may_call),
        )

    def sample(self, trace_request: GenerationRequest, grammar: str, *, terms: Terms) -> Generation:
        """Generate under a grammar text; replay calls this with a recorded request.

        Raises:
            UnavailableError: The engine is not there; BusyError when its queue is full.
            EngineError: The request or the grammar cannot be run.
        """
        try:
            return self._engine.generate(trace_request, grammar=grammar, terms=terms)
        except (QueueFullError, DeadlineError, EngineStoppedError) as error:
            raise unavailable(error) from error

    @property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end a turn."""
        return self._stop_ids


class EngineDialogue:
    """One conversation with an `EngineModel`."""

    def __init__(
        self,
        model: EngineModel,
        *,
        conversation: Conversation,
        span_source: str,
        terms: Terms,
        seed: int | None,
    ) -> None:
        self._model = model
        self._seed = seed
        self._conversation = conversation
        self._span_source = span_source
        self._terms = terms
        self._references: list[str] = []

    @property
    def _tools(self) -> tuple[ToolSpec, ...]:
        developer = self._conversation.developer
        return developer.tools if developer is not None else ()

    def next_turn(self, *, attempt: int, may_call: bool) -> ModelTurn:
        """Sample the next turn; without a seed greedy first, with a fixed one when repeated."""
        tokenizer = self._model.engine.tokenizer
        grammar = self._model.turn_grammar(
            self._tools,
            span_source=self._span_source,
            references=self._references,
            may_call=may_call,
        )
        is_sampled = self._seed is not None or attempt > 0
        temperature = SAMPLE_TEMPERATURE if is_sampled else 0.0
        request = GenerationRequest(
            prompt_ids=tuple(render_conversation(self._conversation, tokenizer)),
            max_new_tokens=MAX_NEW_TOKENS,
            stop_ids=self._model.stop_ids,
            sampling=Sampling(temperature=temperature, seed=((self._seed or 0) + attempt) % _SEEDS),
            top_logprobs=_TOP_LOGPROBS,
        )
        generation = self._model.sample(request, grammar.lark, terms=self._terms)
        turn = parse_turn(generation.token_ids, tokenizer, {tool.name for tool in self._tools})
        return ModelTurn(
            calls=tuple(
                RequestedCall(name=call.name, arguments=call.arguments) for call in turn.calls
            ),
            final=turn.final,
            repairs=tuple(repair.value for repair in turn.repairs),
            trace=_trace(request, grammar.lark, generation),
        )

    def add_result(self, *, tool: str, arguments: str, payload: Mapping[str, str]) -> None:
        """Append a call and its result; the result's keys become citable."""
        self._references += list(payload)
        text = json.dumps(dict(payload), ensure_ascii=False, separators=(",", ":"))
        self._conversation = Conversation(
            system=self._conversation.system,
            developer=self._conversation.developer,
            messages=(
                *self._conversation.messages,
                Message.tool_call(tool, arguments),
                Message.tool_result(tool, text),
            ),
        )


def unavailable(error: EngineError) -> UnavailableError:
    """Return what a caller of the service is told when the engine gives no answer."""
    match error:
        case QueueFullError():
            return BusyError(
                f"expected at most {error.waiting_max} requests to wait, got one more",
                retry_after_s=error.retry_after_s,
            )
        case DeadlineError():
            return TimedOutError(f"expected an answer within {error.timeout_s:g} s, got none")
        case EngineStoppedError():
            return UnavailableError("the model was stopped and is being started again")
        case _:
            return UnavailableError(f"the model failed: {error}")


def _trace(request: GenerationRequest, grammar: str, generation: Generation) -> TurnTrace:
    return TurnTrace(
        prompt_ids=request.prompt_ids,
        grammar=grammar,
        stop_ids=tuple(sorted(request.stop_ids)),
        max_new_tokens=request.max_new_tokens,
        temperature=request.sampling.temperature,
        top_p=request.sampling.top_p,
        seed=request.sampling.seed,
        token_ids=generation.token_ids,
        logit_digest=generation.logit_digest,
        finish_reason=generation.finish_reason.value,
        cached_tokens=generation.cached_tokens,
        margin=_margin(generation),
    )


def _margin(generation: Generation) -> float | None:
    """The least lead of a sampled token over its best alternative; see `TurnTrace`."""
    leads = [
        token.sampled.logprob
        - max(item.logprob for item in token.top if item.token_id != token.sampled.token_id)
        for token in generation.logprobs
        if any(item.token_id != token.sampled.token_id for item in token.top)
    ]
    return min(leads, default=None)
