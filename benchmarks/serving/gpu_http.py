"""End to end through HTTP on a GPU, beside the engine's own loop with the same work.

    python -m benchmarks.serving.gpu_http --tokenizer FOLDER [--model synthetic:20b]

FOLDER holds the `tokenizer.json` of o200k_harmony. Streams of 1, 64 and 256 requests at once, of
1,000 tokens and 256 new ones each; then, at half of the load that 256 streams gave, the time of
answers of one token, whole, so rather more than the first token's. Only what raw completions need
is started of the service: HTTP, keys, policy, the log with its intents and signatures, the engine's
process. Rows go to benchmarks/results/serving.jsonl. Bars: 95 % of the engine's rate, 100 ms.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import uvicorn

from benchmarks.serving.bars import Row, keep, say
from benchmarks.serving.gpu_engine import NAME
from benchmarks.serving.scheduler_client import Prompt, Reply, complete
from engine.serving.client import RemoteEngine
from engine.serving.supervisor import EngineProcess
from engine.tokenizer import Tokenizer
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.clock import SystemClock
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.identities import LOCAL_ROLES, LocalIdentities
from finsvc.adapters.policies import CedarPolicies
from finsvc.adapters.raw_model import EngineRawModel
from finsvc.api import admission
from finsvc.api.app import create_app
from finsvc.domain.policy import Principal
from finsvc.logging import configure_logging
from finsvc.services.chat import Chat, ChatParts
from finsvc.settings import Settings
from finsvc.telemetry import ObservedLog, ObservedRawModel, open_telemetry

PRINCIPAL = Principal(id="local", roles=LOCAL_ROLES)
WORDS = ("book", "value", "risk", "position", "price", "rate", "limit", "exposure", "stress", "at")
PROBE_EVERY_S = 0.2
HALF_LOAD_S = 30.0
START_S = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the service listens and its user's key."""

    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured; `work` holds the tokens of each prompt and of each answer."""

    model: str
    tokenizer: Path
    streams: tuple[int, ...]
    work: tuple[int, int]
    half_load_s: float


class ModelProcess(EngineProcess):
    """An engine's process that serves a model without files."""

    def __init__(self, plan: Plan, own: Path) -> None:
        """Prepare to start it; its own rates go to the file `own`."""
        super().__init__(plan.tokenizer)
        self._command = [sys.executable, "-m", "benchmarks.serving.gpu_engine"]
        self._command += ["--model", plan.model, "--tokenizer", str(plan.tokenizer)]
        self._command += ["--own", str(own), "--work", *map(str, plan.work)]
        self._command += ["--streams", *map(str, plan.streams)]


def serve(plan: Plan, folder: Path) -> None:
    """Be the service until a signal ends it; its address and key go to a file."""
    settings = Settings(data_dir=folder, max_waiting=1024, ask_timeout=timedelta(minutes=10))
    configure_logging("warning")
    telemetry = open_telemetry(None)
    # Many more sequences fit a step of a GPU than one of the CPU, for which this is 64.
    admission.RUNNING_MAX = 2 * max(plan.streams)
    process = ModelProcess(plan, folder / "own.json")
    process.start()
    engine = RemoteEngine.connect(process.address, plan.tokenizer)
    identities, clock = LocalIdentities(folder / "identities.json"), SystemClock()
    policy = CedarPolicies(folder / "bundles")
    audit = AuditLog.open(folder / "log", folder / "keys" / "log.pem", is_signer_separate=True)
    raw = ObservedRawModel(EngineRawModel(EngineModel(engine, name=NAME)), telemetry)
    log = ObservedLog(audit, telemetry)
    parts = SimpleNamespace(
        settings=settings,
        chat=Chat(ChatParts(model=raw, policy=policy, log=log, clock=clock)),
        identities=identities,
        policy=policy,
        clock=clock,
        models=(NAME,),
    )
    config = uvicorn.Config(
        create_app(parts, telemetry),  # type: ignore[arg-type]  # what raw completions reach
        port=0,
        log_config=None,
        access_log=False,
    )
    listener = config.bind_socket()
    address = {
        "url": f"http://127.0.0.1:{listener.getsockname()[1]}",
        "key": identities.create(PRINCIPAL),
    }
    (folder / "address.part").write_text(json.dumps(address))
    (folder / "address.part").rename(folder / "address.json")
    uvicorn.Server(config).run(sockets=[listener])
    engine.close()
    process.close()
    audit.close()


@contextmanager
def running(given: Sequence[str], folder: Path) -> Iterator[Address]:
    """Start the service as a process of its own, and end it."""
    command = [sys.executable, "-m", "benchmarks.serving.gpu_http", *given, "--serve", str(folder)]
    process = subprocess.Popen(command)  # noqa: S603  # our own interpreter and module
    try:
        deadline = time.monotonic() + START_S
        while not (folder / "address.json").exists():
            assert process.poll() is None, "the service ended before it listened"
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.2)
        service = Address(**json.loads((folder / "address.json").read_text()))
        while not httpx.get(f"{service.url}/healthz").is_success:
            time.sleep(0.1)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Prompts:
    """Prompts of a length that share nothing but the system's message."""

    def __init__(self, plan: Plan) -> None:
        """Learn how many words make a prompt."""
        tokenizer = Tokenizer.from_folder(plan.tokenizer)
        self._rng = random.Random(3)  # noqa: S311  # prompts, not secrets
        per_word = len(tokenizer.encode(self._text(1000))) / 1000
        # The system's message and the frame take some sixty tokens.
        self._count = max(1, round((plan.work[0] - 60) / per_word))
        self._number = 0

    def next(self, max_tokens: int) -> Prompt:
        """A prompt that was not sent before."""
        self._number += 1
        text = f"{self._number} {self._text(self._count)}"
        return Prompt(text=text, seed=0, temperature=0.0, max_tokens=max_tokens)

    def _text(self, count: int) -> str:
        return " ".join(self._rng.choices(WORDS, k=count))


async def together(service: Address, prompts: list[Prompt]) -> tuple[float, list[Reply]]:
    """Send prompts at once; return the seconds until all are answered."""
    started = time.perf_counter()
    replies = await asyncio.gather(*(complete(service, prompt) for prompt in prompts))
    assert all(reply.is_whole and reply.status == 200 for reply in replies), replies[:3]
    return time.perf_counter() - started, replies


def measure_streams(service: Address, plan: Plan, prompts: Prompts, own: Row) -> Row:
    """Tokens a second through HTTP of some streams at once."""
    streams = own["streams"]
    assert isinstance(streams, int)
    given = [prompts.next(plan.work[1]) for _ in range(streams)]
    seconds, replies = asyncio.run(together(service, given))
    rate = sum(reply.tokens for reply in replies) / seconds
    engine, masked = own["engine_tokens_per_s"], own["engine_masked_tokens_per_s"]
    assert isinstance(engine, float)
    assert isinstance(masked, float)
    return {
        "metric": "gpu_http_streams",
        "model": plan.model,
        "streams": streams,
        "http_tokens_per_s": round(rate, 1),
        "engine_tokens_per_s": round(engine, 1),
        "engine_masked_tokens_per_s": round(masked, 1),
        "percent_of_engine": round(100 * rate / engine, 1),
        "percent_of_masked": round(100 * rate / masked, 1),
        "requests_per_s": round(streams / seconds, 2),
    }


async def half_load(service: Address, plan: Plan, prompts: Prompts, rate: float) -> list[float]:
    """Seconds of answers of one token while whole ones come at a rate."""
    rng = random.Random(1)  # noqa: S311  # arrivals, not secrets
    background: list[asyncio.Task[Reply]] = []
    probes: list[asyncio.Task[Reply]] = []
    started = time.perf_counter()
    next_load = next_probe = started
    while time.perf_counter() - started < plan.half_load_s:
        now = time.perf_counter()
        if now >= next_load:
            next_load += rng.expovariate(rate)
            whole = complete(service, prompts.next(plan.work[1]))
            background.append(asyncio.create_task(whole))
        if now >= next_probe:
            next_probe += PROBE_EVERY_S
            probes.append(asyncio.create_task(complete(service, prompts.next(1))))
        await asyncio.sleep(max(0.0, min(next_load, next_probe) - time.perf_counter()))
    replies = await asyncio.gather(*probes)
    await asyncio.gather(*background)
    # The first second finds nothing running yet.
    settled = replies[int(1 / PROBE_EVERY_S) :]
    return [reply.total_s for reply in settled if reply.status == 200]


def measure_first_token(service: Address, plan: Plan, prompts: Prompts, full: float) -> Row:
    """The 99th percentile of the time of one token, at half of `full` requests a second."""
    seconds = asyncio.run(half_load(service, plan, prompts, full / 2))
    p50, p99 = np.percentile(seconds, (50, 99))
    return {
        "metric": "gpu_http_first_token",
        "model": plan.model,
        "requests_per_s": round(full / 2, 2),
        "probes": len(seconds),
        "p50_ms": round(1e3 * float(p50), 1),
        "p99_ms": round(1e3 * float(p99), 1),
    }


def measure(plan: Plan, arguments: Sequence[str]) -> list[Row]:
    """Measure all, and show each row as it comes."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, running(arguments, Path(name)) as service:
        prompts = Prompts(plan)
        own = json.loads((Path(name) / "own.json").read_text())
        asyncio.run(together(service, [prompts.next(8)]))
        for item in own:
            rows.append(measure_streams(service, plan, prompts, item))
            say(json.dumps(rows[-1]))
        full = rows[-1]["requests_per_s"]
        assert isinstance(full, float)
        rows.append(measure_first_token(service, plan, prompts, full))
        say(json.dumps(rows[-1]))
    return rows


def main() -> int:
    """Measure and keep the rows, or be the service."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--model", default="synthetic:20b")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 64, 256])
    parser.add_argument("--work", type=int, nargs=2, default=[1000, 256])
    parser.add_argument("--half-load-s", type=float, default=HALF_LOAD_S)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    plan = Plan(
        model=given.model,
        tokenizer=given.tokenizer,
        streams=tuple(given.streams),
        work=(given.work[0], given.work[1]),
        half_load_s=given.half_load_s,
    )
    if given.serve is not None:
        serve(plan, given.serve)
        return 0
    keep(measure(plan, sys.argv[1:]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
