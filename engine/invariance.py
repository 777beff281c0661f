"""Proof on this machine that a token's logits depend on the tokens before it alone.

    python -m engine.invariance MODEL [--json] [--quick] [--expect DIGEST]

Runs a model, a folder or `synthetic:20b`, in many ways that must give the same bits, and compares
all logits, not samples of them: batches of every bucket in two orders, captured and eager, prompts
packed with others and alone, in chunks of many sizes, over shared and copied pages, token by token
against whole. The digest of the logits themselves lets two GPUs be compared. Exit 0 when all agree
(and the digest is the one expected), 1 when not, 2 when the model cannot be run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import torch

from engine.errors import EngineError
from engine.gpu.launcher import Launcher
from engine.gpu.model import load_gpu_model, prepare
from engine.gpu.options import BUCKETS, PAGE_TOKENS, GpuOptions
from engine.gpu.steps import GREEDY, DecodeRow
from engine.runner import Draw, Feed

# Dimensions: S sequences, V vocabulary.

SEED = 20261122
_DRAW = Draw(sampling=GREEDY)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceSizes:
    """How much is compared.

    Attributes:
        num_sequences: Different sequences; the largest batch.
        prompt_min: Tokens of the shortest.
        prompt_max: Tokens of the longest.
        long_tokens: Tokens of the one that is fed in chunks of every size.
        chunks: Those sizes; 1 feeds the last tokens one by one.
        buckets: Batches.
    """

    num_sequences: int = 256
    prompt_min: int = 30
    prompt_max: int = 430
    long_tokens: int = 2500
    chunks: tuple[int, ...] = (1, 7, 16, 64, 100, 129, 256, 1000, 2048)
    buckets: tuple[int, ...] = BUCKETS


QUICK = InvarianceSizes(
    num_sequences=32,
    prompt_max=200,
    long_tokens=700,
    chunks=(1, 64, 129),
    buckets=(1, 2, 8, 32),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceCheck:
    """One way of running, against each sequence alone."""

    name: str
    rows: int
    rows_differing: int

    @property
    def passed(self) -> bool:
        """Whether every compared row had the same bits."""
        return self.rows > 0 and self.rows_differing == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceReport:
    """What was compared on which model and device.

    Attributes:
        logits_digest: SHA-256 of the logits of every sequence alone, to compare devices with.
    """

    model: str
    device: str
    logits_digest: str
    checks: tuple[InvarianceCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def digest(self) -> str:
        """SHA-256 over the whole report, for the fingerprint."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class _Pages:
    """Hands out pages from the end, so that places differ from those of a scheduler."""

    def __init__(self, num_pages: int) -> None:
        self._next = num_pages

    def take(self, num_tokens: int) -> tuple[int, ...]:
        count = -(-num_tokens // PAGE_TOKENS)
        self._next -= count
        assert self._next >= 0, "the harness needs more pages"
        return tuple(range(self._next + count - 1, self._next - 1, -1))


class Harness:
    """Runs one model's steps in chosen ways and returns all logits."""

    def __init__(self, launcher: Launcher, sizes: InvarianceSizes) -> None:
        """Draw the sequences and run each alone."""
        self._launcher = launcher
        self._sizes = sizes
        self._pages = _Pages(launcher.num_pages)
        numbers = random.Random(SEED)  # noqa: S311  # test data
        vocab_size = launcher.config.vocab_size
        spread = sizes.prompt_max - sizes.prompt_min + 1
        self._prompts = [
            [numbers.randrange(vocab_size) for _ in range(sizes.prompt_min + 37 * i % spread)]
            for i in range(sizes.num_sequences)
        ]
        self._long = [numbers.randrange(vocab_size) for _ in range(sizes.long_tokens)]
        self._places = [self._pages.take(len(prompt)) for prompt in self._prompts]
        self._order = list(range(sizes.num_sequences))
        numbers.shuffle(self._order)
        alone = []
        for prompt, pages in zip(self._prompts, self._places, strict=True):
            self._feed(pages, 0, prompt[:-1])
            alone.append(self._decode([(pages, prompt)])[0])
        self._alone_SV = torch.stack(alone)

    @property
    def logits_digest(self) -> str:
        """SHA-256 of the logits of every sequence alone."""
        return hashlib.sha256(self._alone_SV.cpu().numpy().tobytes()).hexdigest()

    def checks(self) -> Iterator[InvarianceCheck]:
        """Run every comparison."""
        yield from self._check_batches()
        yield self._check_whole_prompts()
        yield self._check_packed_prompts()
        yield from self._check_chunks()
        yield self._check_shared_pages()

    def _check_batches(self) -> Iterator[InvarianceCheck]:
        graphs = self._launcher.graphs
        for is_captured in (True, False) if graphs.can_capture else (False,):
            for bucket in self._sizes.buckets:
                wrong = rows = 0
                for order in (range(len(self._prompts)), self._order):
                    for size in {bucket, max(1, bucket - 1)}:
                        chosen = list(order)[:size]
                        batch = [(self._places[i], self._prompts[i]) for i in chosen]
                        with graphs.captured(is_captured):
                            logits_SV = self._decode(batch)
                        wrong += self._differing(logits_SV, chosen)
                        rows += size
                kind = "captured" if is_captured else "eager"
                yield InvarianceCheck(
                    name=f"decode, {kind}, batch {bucket}", rows=rows, rows_differing=wrong
                )

    def _check_whole_prompts(self) -> InvarianceCheck:
        """Prefill against decode: the last token in the prompt's own step."""
        chosen = self._order[: max(4, len(self._order) // 8)]
        wrong = 0
        for i in chosen:
            prompt = self._prompts[i]
            logits_1V = self._feed(self._pages.take(len(prompt)), 0, prompt)
            wrong += self._differing(logits_1V, [i])
        return InvarianceCheck(
            name="prompts whole, against decode", rows=len(chosen), rows_differing=wrong
        )

    def _check_packed_prompts(self) -> InvarianceCheck:
        """Prompts of several sequences in one step, in two parts that end anywhere."""
        limit = self._launcher.options.chunk_tokens
        rows = wrong = 0
        group: list[int] = []
        groups = [group]
        for i in self._order:
            if sum(len(self._prompts[j]) for j in [*group, i]) > limit:
                group = []
                groups.append(group)
            group.append(i)
        for chosen in groups:
            places = [self._pages.take(len(self._prompts[i])) for i in chosen]
            cuts = [1 + 13 * i % (len(self._prompts[i]) - 2) for i in chosen]
            for first in (True, False):
                feeds = []
                for i, pages, cut in zip(chosen, places, cuts, strict=True):
                    tokens = self._prompts[i][:cut] if first else self._prompts[i][cut:]
                    feeds.append(
                        Feed(
                            pages=pages,
                            start=0 if first else cut,
                            token_ids=tuple(tokens),
                            draw=_DRAW,
                        )
                    )
                logits_SV = self._prompts_step(feeds)
            wrong += self._differing(logits_SV, chosen)
            rows += len(chosen)
        return InvarianceCheck(name="prompts packed, in two parts", rows=rows, rows_differing=wrong)

    def _check_chunks(self) -> Iterator[InvarianceCheck]:
        pages = self._pages.take(len(self._long))
        expected_1V = self._in_chunks(pages, self._long, self._launcher.options.chunk_tokens)
        pages = self._pages.take(len(self._long))
        for chunk in self._sizes.chunks:
            logits_1V = self._in_chunks(pages, self._long, chunk)
            yield InvarianceCheck(
                name=f"{len(self._long)} tokens in chunks of {chunk}",
                rows=1,
                rows_differing=int(not _same_bits(logits_1V, expected_1V)),
            )

    def _check_shared_pages(self) -> InvarianceCheck:
        """A beginning that another sequence filled, the last page of it copied."""
        launcher, tokens = self._launcher, self._long
        own = self._pages.take(len(tokens))
        expected_1V = self._in_chunks(own, tokens, launcher.options.chunk_tokens)
        wrong = rows = 0
        for known in (PAGE_TOKENS, len(tokens) // 2 + 1, len(tokens) - 1):
            full = known // PAGE_TOKENS
            other = (*own[:full], *self._pages.take(len(tokens) - full * PAGE_TOKENS))
            # The owner is only half way, so that its window is at the place where it is shared.
            self._in_chunks(own, tokens[:known], launcher.options.chunk_tokens)
            if known % PAGE_TOKENS:
                launcher.copy_page(own[full], other[full])
            logits_1V = self._feed_rest(other, known, tokens)
            wrong += int(not _same_bits(logits_1V, expected_1V))
            rows += 1
        return InvarianceCheck(name="shared and copied pages", rows=rows, rows_differing=wrong)

    def _in_chunks(self, pages: Sequence[int], tokens: list[int], chunk: int) -> torch.Tensor:
        """Return the logits [1, V] after the last token; a chunk of 1 decodes the second half."""
        if chunk == 1:
            start = max(1, len(tokens) - 200)
            self._feed_rest(pages, 0, tokens[:start])
            for end in range(start + 1, len(tokens) + 1):
                logits_1V = self._decode([(pages, tokens[:end])])
            return logits_1V
        for start in range(0, len(tokens), chunk):
            logits_1V = self._feed(pages, start, tokens[start : start + chunk])
        return logits_1V

    def _feed_rest(self, pages: Sequence[int], start: int, tokens: list[int]) -> torch.Tensor:
        step = self._launcher.options.chunk_tokens
        for low in range(start, len(tokens), step):
            logits_1V = self._feed(pages, low, tokens[low : low + step])
        return logits_1V

    def _feed(self, pages: Sequence[int], start: int, tokens: list[int]) -> torch.Tensor:
        return self._prompts_step(
            [Feed(pages=pages, start=start, token_ids=tuple(tokens), draw=_DRAW)]
        )

    def _prompts_step(self, feeds: list[Feed]) -> torch.Tensor:
        self._launcher.prompts(feeds, section=0)
        return self._launcher.network.buffers.logits(len(feeds)).values_SV.clone()

    def _decode(self, batch: Sequence[tuple[Sequence[int], list[int]]]) -> torch.Tensor:
        """Return the logits [S, V] after the last token of each, fed in one decode step."""
        rows = [
            DecodeRow(
                pages=pages,
                position=len(tokens) - 1,
                token_id=tokens[-1],
                source=None,
                sampling=GREEDY,
            )
            for pages, tokens in batch
        ]
        launch = self._launcher.decode(rows, [None] * len(rows), section=0)
        order = torch.tensor(launch.rows, device=self._launcher.device)
        whole_SV = self._launcher.network.buffers.logits(len(rows)).values_SV
        return whole_SV.index_select(0, order)

    def _differing(self, logits_SV: torch.Tensor, chosen: Sequence[int]) -> int:
        order = torch.tensor(list(chosen), device=logits_SV.device)
        expected_SV = self._alone_SV.index_select(0, order)
        unequal = logits_SV.view(torch.int32) != expected_SV.view(torch.int32)
        return int(unequal.any(dim=1).sum())


def _same_bits(first: torch.Tensor, second: torch.Tensor) -> bool:
    return torch.equal(first.view(torch.int32), second.view(torch.int32))


def check_invariance(
    launcher: Launcher, *, model: str, sizes: InvarianceSizes | None = None
) -> InvarianceReport:
    """Run every comparison on a loaded model; none raises on a difference."""
    harness = Harness(launcher, sizes or InvarianceSizes())
    checks = tuple(harness.checks())
    is_cuda = launcher.device.type == "cuda"
    name = torch.cuda.get_device_name(launcher.device) if is_cuda else "cpu, interpreted"
    return InvarianceReport(
        model=model, device=name, logits_digest=harness.logits_digest, checks=checks
    )


def check_model(name: str, *, quick: bool = False) -> InvarianceReport:
    """Load a model on the GPU and run every comparison.

    Raises:
        EngineError: The model cannot be run here.
    """
    model = load_gpu_model(name, options=GpuOptions(num_pages=8192))
    sizes = QUICK if quick else InvarianceSizes()
    prepare(model.runner, sizes.buckets)
    return check_invariance(model.launcher, model=name, sizes=sizes)


def _table(report: InvarianceReport) -> str:
    lines = [f"{report.model} on {report.device}"]
    for check in report.checks:
        mark = "ok  " if check.passed else "FAIL"
        lines.append(f"{mark} {check.name}: {check.rows_differing} of {check.rows} rows differ")
    lines.append(f"logits {report.logits_digest}")
    lines.append("all bits agree" if report.passed else "bits differ")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of the module's description."""
    parser = argparse.ArgumentParser(prog="python -m engine.invariance")
    parser.add_argument("model")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--expect", metavar="DIGEST")
    given = parser.parse_args(arguments)
    try:
        report = check_model(given.model, quick=given.quick)
    except EngineError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 2
    text = json.dumps(asdict(report), sort_keys=True) if given.json else _table(report)
    sys.stdout.write(text + "\n")
    is_expected = given.expect in (None, report.logits_digest)
    return 0 if report.passed and is_expected else 1


if __name__ == "__main__":
    raise SystemExit(main())
