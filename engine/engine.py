"""The engine: a checkpoint folder in, generations out.

Owns loading, the order of a generation's steps, the prefix cache and the lock that makes `generate`
safe to call from several threads. Numerics are in the `cpu_*` modules, choice of tokens in
`sampler`. Loading sets torch's thread count for the whole process.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine.checkpoint import Checkpoint
from engine.config import CONFIG_FILE, Layout, ModelConfig
from engine.cpu_runner import CpuRunner, Work
from engine.determinism import choose_products, probe
from engine.digest import LogitDigest
from engine.errors import CheckpointConfigError, ContextLengthError, RequestError
from engine.fingerprint import Fingerprint, code_digest, cpu_device_class
from engine.kv_cache import KvCache
from engine.model import load_weights
from engine.prefix_cache import PrefixCache
from engine.sampler import apply_mask, sample, token_logprobs
from engine.tokenizer import Tokenizer
from engine.types import (
    FinishReason,
    Generation,
    GenerationRequest,
    TokenLogprobs,
    TokenMask,
)

# More threads than this gain little on models of the size that runs here.
THREADS_MAX = 2
TOP_LOGPROBS_MAX = 20
# Room made at once for answer tokens; longer answers make more as they grow.
ANSWER_ROOM_TOKENS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a loaded checkpoint is; digests are hex SHA-256, lengths in tokens."""

    name: str
    layout: Layout
    config: ModelConfig
    num_parameters: int
    weights_digest: str
    tokenizer_digest: str
    context_length: int


class Engine:
    """A loaded model.

    Attributes:
        info: What it is.
        fingerprint: What its bits depend on.
        tokenizer: Its vocabulary.
        runner: Steps of the network, for benchmarks and self-tests; not thread-safe.
    """

    def __init__(
        self, info: ModelInfo, fingerprint: Fingerprint, tokenizer: Tokenizer, runner: CpuRunner
    ) -> None:
        """Put loaded parts together; callers use `load`."""
        self.info = info
        self.fingerprint = fingerprint
        self.tokenizer = tokenizer
        self.runner = runner
        self._prefixes = PrefixCache(info.config)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path, *, num_threads: int | None = None) -> Engine:
        """Load a checkpoint folder of either layout.

        Args:
            path: The folder.
            num_threads: Threads of each operation; by default torch's own number, at most 2.

        Raises:
            RequestError: `num_threads` is below 1.
            EngineError: A subclass names the file, key or tensor that is missing or wrong, or says
                that this machine does not keep the determinism contract.
        """
        threads = num_threads
        if threads is None:
            threads = min(THREADS_MAX, torch.get_num_threads())
        if threads < 1:
            raise RequestError("num_threads", expected="at least 1", actual=str(threads))
        torch.set_num_threads(threads)
        checkpoint = Checkpoint.open(path)
        config = checkpoint.config
        tokenizer = Tokenizer.from_folder(path)
        if tokenizer.vocab_size > config.vocab_size:
            raise CheckpointConfigError(
                str(path / CONFIG_FILE),
                "vocab_size",
                expected=f"at least the tokenizer's {tokenizer.vocab_size} ids",
                actual=str(config.vocab_size),
            )
        weights_digest = checkpoint.weights_digest()
        checkpoint.verify_digest(weights_digest)
        products = choose_products(config)
        runner = CpuRunner(load_weights(checkpoint), products)
        info = ModelInfo(
            name=path.resolve().name,
            layout=checkpoint.layout,
            config=config,
            num_parameters=config.num_parameters,
            weights_digest=weights_digest,
            tokenizer_digest=tokenizer.digest,
            context_length=config.context_length,
        )
        fingerprint = Fingerprint(
            weights_digest=weights_digest,
            tokenizer_digest=tokenizer.digest,
            config_digest=hashlib.sha256(config.to_json().encode()).hexdigest(),
            code_digest=code_digest(),
            device=cpu_device_class(
                num_threads=threads, heights=products.heights, probe=probe(runner)
            ),
        )
        return cls(info, fingerprint, tokenizer, runner)

    def generate(
        self,
        request: GenerationRequest,
        *,
        mask: TokenMask | None = None,
        on_token: Callable[[int], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Generation:
        """Continue a prompt until a stop token, the token limit or cancellation.

        Args:
            request: What to continue and how.
            mask: Tokens allowed at each position; advanced with every token.
            on_token: Called with each token as it is drawn, the stop token included.
            is_cancelled: Asked before every step.

        Raises:
            RequestError: A field of the request is out of range; `ContextLengthError` when prompt
                and answer do not fit the context.
            TokenMaskError: The mask allows no token or does not fit the vocabulary.
            NonFiniteLogitsError: The network produced NaN or infinity.
        """
        check_request(request, self.info.config)
        with self._lock:
            # Another engine of this process may have changed it.
            if torch.get_num_threads() != self.fingerprint.device.num_threads:
                torch.set_num_threads(self.fingerprint.device.num_threads)
            cache = self._prefixes.take(request.prompt_ids)
            try:
                generator = _Generator(self.runner, cache, request, mask, on_token)
                return generator.run(is_cancelled or _never)
            finally:
                self._prefixes.put(cache)


class _Generator:
    """One generation."""

    def __init__(
        self,
        runner: CpuRunner,
        cache: KvCache,
        request: GenerationRequest,
        mask: TokenMask | None,
        on_token: Callable[[int], None] | None,
    ) -> None:
        self._runner = runner
        self._cache = cache
        self._request = request
        self._mask = mask
        self._on_token = on_token
        self._digest = LogitDigest()
        self._token_ids: list[int] = []
        self._logprobs: list[TokenLogprobs] = []

    def run(self, is_cancelled: Callable[[], bool]) -> Generation:
        prompt_ids = self._request.prompt_ids
        cached_tokens = self._cache.length
        room = min(self._request.max_new_tokens, ANSWER_ROOM_TOKENS)
        self._cache.reserve(len(prompt_ids) + room)
        logits_V = self._runner.prefill(
            self._cache, prompt_ids[cached_tokens:], is_cancelled=is_cancelled
        )
        reason = FinishReason.CANCELLED if logits_V is None else None
        while reason is None:
            assert logits_V is not None
            token_id = self._draw(logits_V.numpy())
            if token_id in self._request.stop_ids:
                reason = FinishReason.STOP
            elif len(self._token_ids) == self._request.max_new_tokens:
                reason = FinishReason.LENGTH
            elif is_cancelled():
                reason = FinishReason.CANCELLED
            else:
                logits_V = self._runner.step([Work(self._cache, [token_id])])[0]
        return Generation(
            token_ids=tuple(self._token_ids),
            finish_reason=reason,
            logit_digest=self._digest.hex,
            prompt_tokens=len(prompt_ids),
            cached_tokens=cached_tokens,
            logprobs=tuple(self._logprobs),
        )

    def _draw(self, logits_V: npt.NDArray[np.float32]) -> int:
        request = self._request
        position = self._cache.length
        bitmask = None if self._mask is None else self._mask.bitmask()
        allowed_V = apply_mask(logits_V, bitmask, position)
        self._digest.update(logits_V)
        token_id = sample(allowed_V, request.sampling, position)
        self._token_ids.append(token_id)
        if request.top_logprobs > 0:
            self._logprobs.append(token_logprobs(logits_V, token_id, request.top_logprobs))
        if self._mask is not None:
            self._mask.accept(token_id)
        if self._on_token is not None:
            self._on_token(token_id)
        return token_id


def check_request(request: GenerationRequest, config: ModelConfig) -> None:
    """Check every field of a request against a model.

    Raises:
        RequestError: Names the field, what it may be and what it was.
    """
    sampling = request.sampling
    num_prompt = len(request.prompt_ids)
    bad_id = next((i for i in request.prompt_ids if not 0 <= i < config.vocab_size), None)
    checks = (
        ("prompt_ids", num_prompt > 0, "at least one token", "none"),
        ("prompt_ids", bad_id is None, f"ids from 0 to {config.vocab_size - 1}", bad_id),
        ("max_new_tokens", request.max_new_tokens >= 1, "at least 1", request.max_new_tokens),
        (
            "temperature",
            sampling.temperature >= 0 and math.isfinite(sampling.temperature),
            "a finite number of at least 0",
            sampling.temperature,
        ),
        ("top_p", 0 < sampling.top_p <= 1, "above 0 and at most 1", sampling.top_p),
        ("seed", 0 <= sampling.seed < 1 << 64, "from 0 to 2**64 - 1", sampling.seed),
        (
            "top_logprobs",
            0 <= request.top_logprobs <= TOP_LOGPROBS_MAX,
            f"from 0 to {TOP_LOGPROBS_MAX}",
            request.top_logprobs,
        ),
    )
    for field, is_valid, expected, actual in checks:
        if not is_valid:
            raise RequestError(field, expected=expected, actual=str(actual))
    if num_prompt + request.max_new_tokens > config.context_length:
        raise ContextLengthError(
            context_length=config.context_length,
            prompt_tokens=num_prompt,
            max_new_tokens=request.max_new_tokens,
        )


def _never() -> bool:
    return False
