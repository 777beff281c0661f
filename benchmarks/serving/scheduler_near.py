"""The engine alone, in this process: what the service is compared with."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.serving.scheduler_client import Prompt
from engine.engine import Engine
from engine.job import JobEvent, Terms, TokenEvent
from engine.types import GenerationRequest, Sampling
from finsvc.adapters.engine import EMBEDDED_FOLDER, EngineModel
from finsvc.adapters.final_stream import FinalStream
from finsvc.adapters.raw_model import EngineRawModel
from finsvc.domain.policy import Principal
from finsvc.services.chat import ChatCommand, ChatMessage, ChatOptions, ChatRole

PRINCIPAL = Principal(id="local", roles=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class NearReply:
    """What the engine drew for a prompt: tokens, pieces of text, seconds to the first of them."""

    tokens: int
    pieces: int
    text_s: float | None


class NearEngine:
    """The embedded model, driven step by step."""

    def __init__(self) -> None:
        """Load it, with one thread."""
        self.engine = Engine.load(EMBEDDED_FOLDER, num_threads=1)
        self._model = EngineModel(self.engine, name="embedded")
        self._raw = EngineRawModel(self._model)

    def request(self, prompt: Prompt) -> GenerationRequest:
        """The request that the service would make of a prompt."""
        command = ChatCommand(
            model="embedded",
            messages=(ChatMessage(role=ChatRole.USER, content=prompt.text),),
            tools=(),
            options=ChatOptions(
                temperature=prompt.temperature, seed=prompt.seed, max_tokens=prompt.max_tokens
            ),
            principal=PRINCIPAL,
            request_id="bench",
        )
        made = self._raw.prepare(command)
        return GenerationRequest(
            prompt_ids=made.prompt_ids,
            max_new_tokens=made.max_new_tokens,
            stop_ids=self._model.stop_ids,
            sampling=Sampling(temperature=prompt.temperature, seed=prompt.seed),
        )

    def run(self, prompts: Sequence[Prompt], *, tenant: str = "") -> tuple[float, list[NearReply]]:
        """Run all prompts together; return the seconds and what came of each."""
        requests = [self.request(prompt) for prompt in prompts]
        events: list[list[tuple[float, JobEvent]]] = [[] for _ in prompts]
        core = self.engine.core
        started = time.perf_counter()
        for request, own in zip(requests, events, strict=True):

            def on_event(event: JobEvent, own: list[tuple[float, JobEvent]] = own) -> None:
                own.append((time.perf_counter() - started, event))

            core.submit(request, on_event, terms=Terms(tenant=tenant))
        while core.has_work:
            core.step()
        return time.perf_counter() - started, [self._reply(own) for own in events]

    def _reply(self, events: Sequence[tuple[float, JobEvent]]) -> NearReply:
        pieces: list[str] = []
        first = None
        stream = FinalStream(self.engine.tokenizer, stops=(), on_text=pieces.append)
        for at_s, event in events:
            assert isinstance(event, TokenEvent), event
            stream.take(event.token_id)
            if pieces and first is None:
                first = at_s
        return NearReply(tokens=len(events), pieces=len(pieces), text_s=first)
