"""An engine that plays harmony token streams which a test wrote: no model decides anything here.

What it plays goes through the real tokenizer, the real prompt, the real grammar (a token that the
mask forbids fails the test) and the real parser, so everything around the words is the service's.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.grammar import GrammarEngine
from engine.job import Terms
from engine.tokenizer import Tokenizer
from engine.types import FinishReason, Generation, GenerationRequest, TokenLogprob, TokenLogprobs
from finsvc.adapters.engine import EMBEDDED_FOLDER

_CONTROL = re.compile(r"(<\|[a-z]+\|>)")
_SLOT = re.compile(r"\{(c[0-9]+\.[A-Za-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What callers ask of a model."""

    name: str
    vocab_size: int
    context_length: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFingerprint:
    """Says plainly that no weights stand behind the tokens."""

    digest: str = "0" * 64

    def to_json(self) -> str:
        return json.dumps({"kind": "played by a test", "weights_digest": self.digest})


def call_text(name: str, **arguments: str) -> str:
    """The harmony text of a call; ``from_`` stands for the argument ``from``."""
    named = {key.rstrip("_"): value for key, value in arguments.items()}
    body = json.dumps(named, ensure_ascii=False, separators=(",", ":"))
    header = f"<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>"
    return f"{header}{body}<|call|>"


def answer_text(text: str) -> str:
    """The harmony text of an answer; ``{c1.price}`` becomes the key that the prompt offers."""
    return f"<|channel|>final<|message|>{text}<|return|>"


class PlayedEngine:
    """Implements `engine.facade.ModelEngine`; ``script`` gives the turns of a question by seed.

    Attributes:
        requests: What the engine was asked, in order.
        prompts: The same as text.
    """

    def __init__(self, script: Callable[[int], list[str]], *, margin: float = 20.0) -> None:
        self.tokenizer = Tokenizer.from_folder(EMBEDDED_FOLDER)
        self.info = Facts(name="played", vocab_size=self.tokenizer.vocab_size)
        self.fingerprint = NoFingerprint()
        self.requests: list[GenerationRequest] = []
        self.prompts: list[str] = []
        self._grammars = GrammarEngine(self.tokenizer)
        self._script = script
        self._margin = margin

    @property
    def is_ready(self) -> bool:
        return True

    def generate(
        self,
        request: GenerationRequest,
        *,
        grammar: str = "",
        terms: Terms | None = None,
        on_token: Callable[[int], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Generation:
        """Play the turn that is due: the prompt tells how many results are there already."""
        prompt = self.tokenizer.decode(request.prompt_ids)
        self.requests.append(request)
        self.prompts.append(prompt)
        played = prompt.count("<|call|>")
        text = self._script(request.sampling.seed)[played]
        ids = self._encoded(_SLOT.sub(lambda slot: _key(slot[1], prompt), text))
        mask = self._grammars.mask(grammar)
        for token_id in ids:
            mask.accept(token_id)
        assert mask.is_complete
        return Generation(
            token_ids=tuple(ids),
            finish_reason=FinishReason.STOP,
            logit_digest=hashlib.sha256(bytes(str(ids), "ascii")).hexdigest(),
            prompt_tokens=len(request.prompt_ids),
            cached_tokens=0,
            logprobs=tuple(self._logprobs(token_id) for token_id in ids),
        )

    def _encoded(self, text: str) -> list[int]:
        ids: list[int] = []
        for piece in _CONTROL.split(text):
            if _CONTROL.fullmatch(piece):
                ids.append(self.tokenizer.special_id(piece))
            elif piece:
                ids += self.tokenizer.encode(piece)
        return ids

    def _logprobs(self, token_id: int) -> TokenLogprobs:
        sampled = TokenLogprob(token_id=token_id, logprob=0.0)
        other = TokenLogprob(token_id=(token_id + 1) % 100, logprob=-self._margin)
        return TokenLogprobs(sampled=sampled, top=(sampled, other))


def _key(name: str, prompt: str) -> str:
    found = re.search(rf"\[\[{re.escape(name)}(?:\|[^\]]*)?\]\]", prompt)
    if found is None:
        raise AssertionError(f"{name} is not offered")
    return found.group()
