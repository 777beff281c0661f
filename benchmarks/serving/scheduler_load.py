"""What HTTP costs, how the service behaves beyond its limits, and what a known prefix saves.

    python -m benchmarks.serving.scheduler_load [PART ...] [--soak MINUTES]

Parts: http, first-token, prefix, saturation, four minutes together; all by default, or with --soak
that alone. A real service with
the embedded model runs beside its client and, in turns, the engine alone in this process; medians
of rounds in turns, since other work on the machine moves both. Rows go to
benchmarks/results/serving.jsonl, a table of bars to the standard output; exit code 1 for a miss.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from benchmarks.serving.bars import Row, judge, keep, say
from benchmarks.serving.scheduler_client import Prompt, Reply, complete
from benchmarks.serving.scheduler_near import NearEngine
from finsvc.demo import Service, running_service

STREAMS = 32
CANDIDATES = 192
ROUNDS = 3
ROUNDS_SINGLE = 11
LONG_TOKENS = 96
TEXT = (
    "Repeat after me, number {}: the value at risk of the sample book and of every other book and "
    "position that we hold."
)
WORDS = ("book", "value", "risk", "position", "price", "rate", "limit", "exposure", "stress", "at")


class Bench:
    """A running service, the engine alone, and the rows measured."""

    def __init__(self, service: Service, data_dir: Path) -> None:
        """Measure a running service whose data lie in `data_dir`."""
        self.service = service
        self.rows: list[Row] = []
        self._numbers = itertools.count()
        self._pid = json.loads((data_dir / "service.json").read_text())["pid"]

    @cached_property
    def near(self) -> NearEngine:
        """The engine alone, loaded when it is first needed."""
        return NearEngine()

    def short(self) -> Prompt:
        """A prompt that was not sent before, with a short answer."""
        n = next(self._numbers)
        return Prompt(text=TEXT.format(n), seed=n, temperature=0.0, max_tokens=16)

    def add(self, metric: str, **values: object) -> Row:
        """Keep, show and return a row."""
        self.rows.append({"metric": metric, **values})
        shown = "  ".join(f"{name} {value}" for name, value in values.items())
        say(f"{metric:24} {shown}")
        return self.rows[-1]

    def together(self, prompts: list[Prompt]) -> tuple[float, list[Reply]]:
        """Send prompts at once; return the seconds until all are answered."""

        async def run() -> list[Reply]:
            return await asyncio.gather(*(complete(self.service, prompt) for prompt in prompts))

        started = time.perf_counter()
        replies = asyncio.run(run())
        return time.perf_counter() - started, replies

    def processes(self) -> list[int]:
        """The service's process and its children."""
        pids = [self._pid]
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self._pid:
                pids.append(int(entry.name))
        return pids

    def resident_mb(self) -> float:
        """Memory of the service's processes that is not shared with files."""
        total = 0
        for pid in self.processes():
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(status.partition("RssAnon:")[2].split()[0])
        return round(total / 1024, 1)

    def cpu_s(self, pid: int) -> float:
        """Seconds of processor time that a process has used."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def long_streams(near: NearEngine) -> list[Prompt]:
    """Prompts whose answers stream about a token at a time for long; the seeds decide that."""
    candidates = [
        Prompt(text=TEXT.format(n), seed=n, temperature=1.2, max_tokens=LONG_TOKENS)
        for n in range(CANDIDATES)
    ]
    _, replies = near.run(candidates)
    ranked = sorted(zip(candidates, replies, strict=True), key=lambda pair: -pair[1].pieces)
    return [prompt for prompt, _ in ranked[:STREAMS]]


def measure_http(bench: Bench) -> None:
    """Tokens a second at 32 streams, through HTTP and by the engine alone, in turns."""
    prompts = long_streams(bench.near)
    bench.together(prompts)
    near_rates, http_rates, shares = [], [], []
    for _ in range(ROUNDS):
        seconds, near = bench.near.run(prompts)
        near_rates.append(sum(reply.tokens for reply in near) / seconds)
        before = {pid: bench.cpu_s(pid) for pid in bench.processes()}
        seconds, replies = bench.together(prompts)
        tokens = sum(reply.tokens for reply in replies)
        http_rates.append(tokens / seconds)
        used = [bench.cpu_s(pid) - at for pid, at in before.items()]
        shares.append(used[0] / tokens * 1e3)
        assert all(reply.is_whole for reply in replies), replies
    near_rate, http_rate = statistics.median(near_rates), statistics.median(http_rates)
    bench.add(
        "http_32_streams",
        engine_tokens_per_s=round(near_rate),
        http_tokens_per_s=round(http_rate),
        cost_percent=round(100 * (1 - http_rate / near_rate), 1),
        api_cpu_ms_per_token=round(statistics.median(shares), 3),
        chunks=sum(reply.chunks for reply in replies),
    )


def measure_first_token(bench: Bench) -> None:
    """Seconds to the first token of a 1,000-token prompt, nothing else running, in turns.

    Through HTTP it is the whole answer of one token, closing record and all, so rather too long.
    """
    rng = random.Random(7)  # noqa: S311  # prompts, not secrets
    ratios, nears, https = [], [], []
    for n in range(ROUNDS_SINGLE):
        words = " ".join(rng.choice(WORDS) for _ in range(480))
        prompt = Prompt(text=f"{n} {words}", seed=0, temperature=0.0, max_tokens=1)
        near_s, _ = bench.near.run([prompt])
        _, (reply,) = bench.together([prompt])
        assert reply.is_whole, reply
        nears.append(near_s)
        https.append(reply.total_s)
        ratios.append(reply.total_s / near_s)
    bench.add(
        "first_token",
        prompt_tokens=len(bench.near.request(prompt).prompt_ids),
        engine_ms=round(statistics.median(nears) * 1e3, 1),
        http_ms=round(statistics.median(https) * 1e3, 1),
        ratio=round(statistics.median(ratios), 3),
    )


def measure_peak(bench: Bench, *, requests: int = 128) -> float:
    """Answers a second with 32 callers that each wait for theirs."""

    async def caller(prompts: list[Prompt]) -> None:
        while prompts:
            reply = await complete(bench.service, prompts.pop())
            assert reply.is_whole, reply

    async def run() -> None:
        prompts = [bench.short() for _ in range(requests)]
        await asyncio.gather(*(caller(prompts) for _ in range(STREAMS)))

    started = time.perf_counter()
    asyncio.run(run())
    return requests / (time.perf_counter() - started)


async def open_loop(bench: Bench, rate: float, seconds: float) -> list[Reply]:
    """Send requests at a rate, whatever becomes of those before."""
    rng = random.Random(1)  # noqa: S311  # arrivals, not secrets
    tasks: list[asyncio.Task[Reply]] = []
    at = started = time.perf_counter()
    while at - started < seconds:
        at += rng.expovariate(rate)
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        tasks.append(asyncio.create_task(complete(bench.service, bench.short())))
    return list(await asyncio.gather(*tasks))


def measure_saturation(bench: Bench, *, seconds: float = 30.0) -> Row:
    """Ten times what can be answered: good answers, refusals and memory."""
    peak = measure_peak(bench)
    # The caches fill and the pools grow to the size of such a load first.
    asyncio.run(open_loop(bench, 10 * peak, seconds / 3))
    before = bench.resident_mb()
    started = time.perf_counter()
    replies = asyncio.run(open_loop(bench, 10 * peak, seconds))
    took = time.perf_counter() - started
    after = bench.resident_mb()
    # Other work on the machine comes and goes; what is possible is measured before and after.
    peak = (peak + measure_peak(bench)) / 2
    good = [reply for reply in replies if reply.status == 200 and reply.is_whole]
    refused = sorted(reply.total_s for reply in replies if reply.status == 429)
    return bench.add(
        "saturation_10x",
        peak_per_s=round(peak, 1),
        offered_per_s=round(len(replies) / seconds, 1),
        goodput_percent=round(100 * len(good) / took / peak, 1),
        refused=len(refused),
        refused_p50_ms=round(refused[len(refused) // 2] * 1e3, 1),
        refused_p99_ms=round(refused[int(len(refused) * 0.99)] * 1e3, 1),
        other=len(replies) - len(good) - len(refused),
        memory_mb=(before, after),
        growth_percent=round(100 * (after / before - 1), 2),
    )


def measure_prefix(bench: Bench) -> None:
    """Seconds to the first text of the first and second question on one 4,000-token prefix."""
    rng = random.Random(11)  # noqa: S311  # prompts, not secrets
    firsts, seconds = [], []
    for _ in range(3):
        shared = " ".join(rng.choice(WORDS) for _ in range(2000))
        times = []
        for question in ("What is the price?", "What is the rate?"):
            text = f"{shared} {question}"
            prompt = Prompt(text=text, seed=0, temperature=0.0, max_tokens=1)
            _, (reply,) = bench.together([prompt])
            assert reply.is_whole, reply
            times.append(reply.total_s)
        firsts.append(times[0])
        seconds.append(times[1])
    bench.add(
        "prefix_4000",
        prompt_tokens=len(bench.near.request(prompt).prompt_ids),
        first_ms=round(statistics.median(firsts) * 1e3),
        second_ms=round(statistics.median(seconds) * 1e3),
        times_sooner=round(statistics.median(firsts) / statistics.median(seconds), 1),
    )


def measure_soak(bench: Bench, *, minutes: float) -> Row:
    """Eight tenths of what can be answered, for long: errors and memory."""
    rate = 0.8 * measure_peak(bench)
    seconds = 60 * minutes
    # The caches fill first.
    asyncio.run(open_loop(bench, rate, seconds / 10))
    before = bench.resident_mb()
    replies = asyncio.run(open_loop(bench, rate, seconds))
    after = bench.resident_mb()
    answers = sum(reply.is_whole and reply.status == 200 for reply in replies)
    # Other work on the machine can take more than the fifth that was left free.
    refused = sum(reply.status == 429 for reply in replies)
    return bench.add(
        "soak_80_percent",
        minutes=minutes,
        rate_per_s=round(rate, 1),
        answers=answers,
        refused=refused,
        errors=len(replies) - answers - refused,
        memory_mb=(before, after),
        growth_percent=round(100 * (after / before - 1), 2),
    )


def main() -> int:
    """Measure and keep the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="at eight tenths of the peak")
    given = parser.parse_args()
    parts: dict[str, Callable[[Bench], object]] = {
        "http": measure_http,
        "first-token": measure_first_token,
        "prefix": measure_prefix,
        "saturation": measure_saturation,
    }
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
        bench = Bench(service, Path(folder))
        for part in given.parts or ([] if given.soak else list(parts)):
            parts[part](bench)
        if given.soak:
            measure_soak(bench, minutes=given.soak)
    keep(bench.rows)
    return 0 if judge(bench.rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
