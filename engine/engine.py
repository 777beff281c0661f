"""The engine: a checkpoint folder in, generations out.

Owns loading and the way of a request through `engine.core`, for callers in the same process;
`engine.serving` is the same for callers in others. Numerics are in the `cpu_*` modules, choice of
tokens in `sampler`. Loading sets torch's thread count for the whole process.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from engine.checkpoint import Checkpoint
from engine.collect import Collector
from engine.config import CONFIG_FILE, Layout, ModelConfig
from engine.core import EngineCore
from engine.cpu_pages import CpuPagedRunner
from engine.cpu_runner import CpuRunner
from engine.determinism import choose_products, probe
from engine.errors import CheckpointConfigError, ContextLengthError, RequestError
from engine.fingerprint import DeviceClass, Fingerprint, code_digest, cpu_device_class
from engine.grammar import GrammarEngine
from engine.job import Terms
from engine.kv_pool import page_bytes
from engine.model import load_weights
from engine.scheduler import SchedulerLimits
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
# Keys and values kept for later prompts, beside those in use.
KEPT_BYTES_MAX = 256 << 20


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

    @property
    def vocab_size(self) -> int:
        """Width of the logits."""
        return self.config.vocab_size


class Engine:
    """A loaded model.

    Attributes:
        info: What it is.
        fingerprint: What its bits depend on.
        tokenizer: Its vocabulary.
        core: Requests of all callers and the steps they share.
    """

    def __init__(
        self,
        info: ModelInfo,
        fingerprint: Fingerprint,
        tokenizer: Tokenizer,
        core: EngineCore,
        *,
        runner: CpuRunner | None,
    ) -> None:
        """Put loaded parts together; callers use `load`."""
        self.info = info
        self.fingerprint = fingerprint
        self.tokenizer = tokenizer
        self.core = core
        self._runner = runner

    @property
    def runner(self) -> CpuRunner:
        """Steps of the network on a CPU, for benchmarks and self-tests; not thread-safe.

        Raises:
            RequestError: The engine runs on a GPU.
        """
        if self._runner is None:
            actual = self.fingerprint.device.machine
            raise RequestError("device", expected="an engine on the CPU", actual=actual)
        return self._runner

    @property
    def is_ready(self) -> bool:
        """Whether a request would be taken now: as long as the device has not failed."""
        return self.core.is_ready

    @cached_property
    def grammars(self) -> GrammarEngine:
        """Grammars and masks for the model's vocabulary; built when first used."""
        return GrammarEngine(self.tokenizer, vocab_size=self.info.config.vocab_size)

    @classmethod
    def load(cls, path: Path, *, num_threads: int | None = None, device: str = "cpu") -> Engine:
        """Load a checkpoint folder of either layout.

        Args:
            path: The folder.
            num_threads: Threads of each operation; by default torch's own number, at most 2.
            device: "cpu", or a CUDA device such as "cuda".

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
        loaded = _load_on_cpu(checkpoint, threads) if device == "cpu" else None
        if loaded is None:
            # Triton need not be there where no GPU is used.
            from engine.gpu.serving import load_on_gpu  # noqa: PLC0415

            core, device_class, dtype = load_on_gpu(checkpoint, device)
            runner = None
        else:
            runner, core, device_class = loaded
            dtype = "float32"
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
            device=device_class,
            dtype=dtype,
        )
        return cls(info, fingerprint, tokenizer, core, runner=runner)

    def generate(
        self,
        request: GenerationRequest,
        *,
        mask: TokenMask | None = None,
        grammar: str = "",
        terms: Terms | None = None,
        on_token: Callable[[int], None] | None = None,
        on_logprobs: Callable[[TokenLogprobs], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Generation:
        """Continue a prompt until a stop token, the token limit or cancellation.

        Calls of several threads share steps; whichever thread waits drives them.

        Args:
            request: What to continue and how.
            mask: Tokens allowed at each position; advanced with every token.
            grammar: Lark text whose masks are used instead of `mask`; empty allows everything.
            terms: Priority, tenant and deadline.
            on_token: Called with each token taken, the stop token included.
            on_logprobs: Called before it with the token's log-probabilities, if they are asked for.
            is_cancelled: Asked before every token is taken.

        Raises:
            RequestError: A field of the request is out of range; `ContextLengthError` when prompt
                and answer do not fit the context.
            GrammarError: The grammar cannot be enforced.
            TokenMaskError: The mask allows no token or does not fit the vocabulary.
            NonFiniteLogitsError: The network produced NaN or infinity.
            QueueFullError: Too many requests wait.
            DeadlineError: The time that `terms` gives ran out.
        """
        check_request(request, self.info.config)
        is_cancelled = is_cancelled or _never
        collector = Collector(len(request.prompt_ids), on_token, on_logprobs)
        if is_cancelled():
            return collector.generation(FinishReason.CANCELLED)
        if grammar:
            mask = self.grammars.mask(grammar)
        events = collector.events
        job_id = self.core.submit(request, events.put, terms=terms, mask=mask)
        reason = None
        try:
            while reason is None:
                while events.empty() and not is_cancelled():
                    self.core.drive(lambda: not events.empty())
                reason = FinishReason.CANCELLED if is_cancelled() else collector.take(events.get())
        finally:
            self.core.cancel(job_id)
        return collector.generation(reason)


def _load_on_cpu(
    checkpoint: Checkpoint, num_threads: int
) -> tuple[CpuRunner, EngineCore, DeviceClass]:
    products = choose_products(checkpoint.config)
    runner = CpuRunner(load_weights(checkpoint), products)
    device = cpu_device_class(
        num_threads=num_threads, heights=products.heights, probe=probe(runner)
    )
    kept = max(1, KEPT_BYTES_MAX // page_bytes(checkpoint.config))
    paged = CpuPagedRunner(runner, num_threads=num_threads)
    return runner, EngineCore(paged, SchedulerLimits(kept_pages_max=kept)), device


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
