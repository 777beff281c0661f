"""Recorded generations checked again without decoding them again.

The tokens of a generation are known, so they go through the network together with the prompt, and
every sampled position is drawn again from the logits at its place. By the determinism contract
these logits have the bits of decoding, so an equal record gives equal tokens and an equal digest.
Where it does not, the first position that differs tells both candidates.

Several generations share steps and the beginnings of their prompts. CPU only; safe to use from
several threads, one of which runs at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from engine.cpu_runner import BATCH_MAX, STEP_TOKENS_MAX, CpuRunner, Work
from engine.digest import LogitDigest
from engine.engine import Engine, check_request
from engine.errors import EngineError, RequestError
from engine.kv_cache import KvCache
from engine.recorded import RecordedGeneration, Rescored, TokenDifference
from engine.sampler import apply_mask, sample, token_logprobs
from engine.types import TokenMask

# Sequences whose keys and values are held; more than this many gain nothing from a shared step.
LANES = 8
# A sequence that could share this many tokens more with one of the same step waits for it.
_WORTH_WAITING = 32


class Rescorer:
    """Checks recorded generations on one model."""

    def __init__(self, engine: Engine) -> None:
        """Use the weights of a loaded engine, beside its own steps.

        Raises:
            RequestError: The engine runs on a GPU.
        """
        self._engine = engine
        self._runner = _RowsRunner(engine.runner)
        self._lanes = [_Lane(self._runner) for _ in range(LANES)]
        self._lock = threading.Lock()

    def rescore(self, generations: Sequence[RecordedGeneration]) -> list[Rescored | EngineError]:
        """Check generations; one that cannot be run on this model yields the error, in its place.

        Those of one conversation are fastest next to each other.
        """
        outcomes: list[Rescored | EngineError | None] = [None] * len(generations)
        waiting: list[_Check] = []
        for index, generation in enumerate(generations):
            try:
                waiting.append(self._check(index, generation))
            except EngineError as error:
                outcomes[index] = error
        with self._lock:
            # Another engine of this process may have another count.
            torch.set_num_threads(self._engine.fingerprint.device.num_threads)
            self._run(_in_order(waiting), outcomes)
        return [outcome for outcome in outcomes if outcome is not None]

    def _check(self, index: int, generation: RecordedGeneration) -> _Check:
        config = self._engine.info.config
        check_request(generation.request, config)
        tokens = generation.token_ids
        if any(not 0 <= token < config.vocab_size for token in tokens):
            expected = f"ids from 0 to {config.vocab_size - 1}"
            raise RequestError("token_ids", expected=expected, actual=str(max(tokens)))
        if not 0 < len(tokens) <= generation.request.max_new_tokens:
            expected = f"1 to {generation.request.max_new_tokens} tokens"
            raise RequestError("token_ids", expected=expected, actual=str(len(tokens)))
        grammar = generation.grammar
        mask = self._engine.grammars.mask(grammar) if grammar else None
        return _Check(index, generation, mask)

    def _run(self, waiting: list[_Check], outcomes: list[Rescored | EngineError | None]) -> None:
        while waiting or any(lane.check for lane in self._lanes):
            self._fill(waiting)
            work: list[tuple[_Lane, Sequence[int]]] = []
            room = STEP_TOKENS_MAX
            for lane in self._lanes:
                if lane.check is not None and room > 0 and len(work) < BATCH_MAX:
                    work.append((lane, lane.next_tokens(room)))
                    room -= len(work[-1][1])
            rows = [lane.wanted_rows(len(tokens)) for lane, tokens in work]
            logits = self._runner.rows([Work(lane.cache, ids) for lane, ids in work], rows)
            for (lane, _), logits_RV in zip(work, logits, strict=True):
                check = lane.check
                assert check is not None
                check.take(logits_RV)
                if lane.is_done:
                    outcomes[check.index] = check.outcome()
                    lane.check = None

    def _fill(self, waiting: list[_Check]) -> None:
        """Give idle lanes work, each with the longest beginning that any lane holds."""
        begun = [lane.check.sequence for lane in self._lanes if lane.check is not None]
        for lane in self._lanes:
            if lane.check is not None:
                continue
            for place, check in enumerate(waiting):
                limit = check.num_prompt - 1
                held = [_shared(other.cache.token_ids, check.sequence) for other in self._lanes]
                best = max(range(LANES), key=lambda i: (held[i], self._lanes[i] is lane))
                coming = max((_shared(other, check.sequence) for other in begun), default=0)
                if min(coming, limit) > min(held[best], limit) + _WORTH_WAITING:
                    continue
                lane.begin(check, self._lanes[best], min(held[best], limit))
                begun.append(check.sequence)
                del waiting[place]
                break


class _RowsRunner(CpuRunner):
    """Steps that return the logits after any of their tokens."""

    def __init__(self, runner: CpuRunner) -> None:
        super().__init__(runner._weights, runner.products)

    @torch.inference_mode()
    def rows(
        self, batch: Sequence[Work], wanted: Sequence[Sequence[int]]
    ) -> list[npt.NDArray[np.float32]]:
        """Feed new tokens and return, for each sequence, logits after some of them.

        Args:
            batch: As `CpuRunner.step` takes it.
            wanted: For each sequence the indices of new tokens after which logits are wanted.
        """
        step, hidden_TD = self._begin(batch)
        for layer_idx, layer in enumerate(self._weights.layers):
            hidden_TD = self._attention(hidden_TD, layer_idx, layer, step)
            hidden_TD = self._mlp(hidden_TD, layer, step)
        packed: list[int] = []
        first = 0
        for work, indices in zip(batch, wanted, strict=True):
            packed += [first + index for index in indices]
            first += len(work.token_ids)
            work.cache.extend(work.token_ids)
        if not packed:
            return [np.empty((0, self.config.vocab_size), np.float32) for _ in batch]
        logits_RV = self._logits(hidden_TD, packed).numpy()
        ends = np.cumsum([len(indices) for indices in wanted])[:-1]
        return list(np.split(logits_RV, ends))


class _Check:
    """One generation on its way."""

    def __init__(self, index: int, generation: RecordedGeneration, mask: TokenMask | None) -> None:
        self.index = index
        self._generation = generation
        self._mask = mask
        self._digest = LogitDigest()
        self._num_taken = 0
        self._difference: TokenDifference | None = None
        self._error: EngineError | None = None
        self.num_prompt = len(generation.request.prompt_ids)
        # The last token decides nothing that was recorded.
        self.sequence = [*generation.request.prompt_ids, *generation.token_ids[:-1]]

    def take(self, logits_RV: npt.NDArray[np.float32]) -> None:
        """Draw the next positions again."""
        for logits_V in logits_RV:
            self._digest.update(logits_V)
            if self._difference is None and self._error is None:
                try:
                    self._draw(logits_V)
                except EngineError as error:
                    self._error = error
            self._num_taken += 1

    def _draw(self, logits_V: npt.NDArray[np.float32]) -> None:
        request = self._generation.request
        recorded = self._generation.token_ids[self._num_taken]
        position = self.num_prompt + self._num_taken
        bitmask = None if self._mask is None else self._mask.bitmask()
        allowed_V = apply_mask(logits_V, bitmask, position)
        derived = sample(allowed_V, request.sampling, position)
        if derived != recorded:
            self._difference = TokenDifference(
                index=self._num_taken,
                recorded=token_logprobs(logits_V, recorded, 1).sampled,
                derived=token_logprobs(logits_V, derived, 1).sampled,
                is_allowed=bool(np.isfinite(allowed_V[recorded])),
            )
        elif self._mask is not None and recorded not in request.stop_ids:
            self._mask.accept(recorded)

    def outcome(self) -> Rescored | EngineError:
        """Return what was found."""
        if self._error is not None:
            return self._error
        request, tokens = self._generation.request, self._generation.token_ids
        stops = [index for index, token in enumerate(tokens) if token in request.stop_ids]
        last = len(tokens) - 1
        is_full = len(tokens) == request.max_new_tokens
        return Rescored(
            logit_digest=self._digest.hex,
            difference=self._difference,
            is_ended=stops == [last] or (not stops and is_full),
        )


class _Lane:
    """Keys and values of one sequence, and the check that is using them."""

    def __init__(self, runner: CpuRunner) -> None:
        self.cache: KvCache = runner.new_cache()
        self.check: _Check | None = None

    @property
    def is_done(self) -> bool:
        return self.check is None or self.cache.length == len(self.check.sequence)

    def begin(self, check: _Check, source: _Lane, num_shared: int) -> None:
        """Start a check on the first tokens of what another lane, or this one, holds."""
        if source is self:
            self.cache.truncate(num_shared)
        else:
            self.cache = source.cache.fork(num_shared)
        self.check = check

    def next_tokens(self, room: int) -> Sequence[int]:
        assert self.check is not None
        start = self.cache.length
        return self.check.sequence[start : start + room]

    def wanted_rows(self, count: int) -> Sequence[int]:
        """Which of the next tokens a sampled position follows."""
        assert self.check is not None
        start = self.cache.length
        return range(max(0, self.check.num_prompt - 1 - start), count)


def _in_order(checks: list[_Check]) -> list[_Check]:
    """Sequences that begin alike come after each other, short ones first."""
    return sorted(checks, key=lambda check: check.sequence)


def _shared(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many first tokens two sequences share; halving compares slices in C."""
    low, high = 0, min(len(left), len(right))
    if left[:high] == right[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low
