"""The engine's process of `benchmarks.serving.gpu_http`: any model, with a vocabulary given apart.

Synthetic models have no files, so they cannot be served by `engine.serving.process`. Before it
serves, the process measures its own loop of requests with the same work that HTTP will bring.
"""

import argparse
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.config import ModelConfig
from engine.core import EngineCore
from engine.engine import Engine, check_request
from engine.errors import RequestError
from engine.gpu.model import load_gpu_model, prepare
from engine.grammar import GrammarEngine
from engine.grammar_turn import CompletionRules, completion_lark
from engine.job import JobEvent, Terms
from engine.scheduler import SchedulerLimits
from engine.serving.client import RemoteFingerprint, RemoteInfo
from engine.serving.server import EngineServer
from engine.tokenizer import Tokenizer
from engine.types import GenerationRequest

WAITING_MAX = 512
# What the service names its raw model by; the client of the benchmark asks for it.
NAME = "embedded"


def load(model: str) -> tuple[EngineCore, ModelConfig]:
    """Load a synthetic model on the GPU, or a folder on the CPU."""
    if not model.startswith("synthetic:"):
        engine = Engine.load(Path(model), num_threads=1)
        return engine.core, engine.info.config
    loaded = load_gpu_model(model)
    prepare(loaded.runner)
    limits = SchedulerLimits(
        chunk_tokens=loaded.launcher.options.chunk_tokens, waiting_max=WAITING_MAX
    )
    return EngineCore(loaded.runner, limits), loaded.config


def own_rate(
    core: EngineCore, grammars: GrammarEngine, streams: int, work: tuple[int, int], *, masked: bool
) -> float:
    """Tokens a second of some requests that begin together, prompts included.

    Args:
        core: The loop.
        grammars: Of its vocabulary.
        streams: Requests.
        work: Tokens of each prompt and of each answer.
        masked: Whether under the grammar of a plain turn, as all requests through HTTP are.
    """
    num_prompt, num_new = work
    rng = random.Random(streams)  # noqa: S311  # prompts, not secrets
    lark = completion_lark(CompletionRules())
    counts = [0] * streams
    ids = range(grammars.vocab_size // 2)

    def counter(place: int) -> Callable[[JobEvent], None]:
        def count(_: JobEvent) -> None:
            counts[place] += 1

        return count

    for place in range(streams):
        request = GenerationRequest(
            prompt_ids=tuple(rng.choices(ids, k=num_prompt)),
            max_new_tokens=num_new,
            stop_ids=frozenset(),
        )
        mask = grammars.mask(lark) if masked else None
        core.submit(request, counter(place), terms=Terms(tenant=f"{masked} {place}"), mask=mask)
    started = time.perf_counter()
    while core.has_work:
        core.step()
    return sum(counts) / (time.perf_counter() - started)


def main() -> int:
    """Measure, then serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--own", type=Path, required=True, help="file for its own rates")
    parser.add_argument("--streams", type=int, nargs="+", required=True)
    parser.add_argument("--work", type=int, nargs=2, required=True)
    parser.add_argument("--listener", type=int, required=True)
    given = parser.parse_args()
    core, config = load(given.model)
    tokenizer = Tokenizer.from_folder(given.tokenizer)
    grammars = GrammarEngine(tokenizer, vocab_size=config.vocab_size)
    work = (given.work[0], given.work[1])
    own_rate(core, grammars, min(given.streams), (work[0], 8), masked=True)
    rates = [
        {
            "streams": streams,
            "engine_tokens_per_s": own_rate(core, grammars, streams, work, masked=False),
            "engine_masked_tokens_per_s": own_rate(core, grammars, streams, work, masked=True),
        }
        for streams in given.streams
    ]
    given.own.write_text(json.dumps(rates))
    manifest = json.dumps({"model": given.model}, separators=(",", ":"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=given.listener) as listener:
        server = EngineServer(
            core,
            listener,
            info=RemoteInfo(
                name=NAME, vocab_size=config.vocab_size, context_length=config.context_length
            ),
            fingerprint=RemoteFingerprint(canonical=manifest),
            mask_of=grammars.mask,
            check=lambda request: check_request(request, config),
            rescore=lambda recorded: [
                RequestError("device", expected="none", actual=given.model) for _ in recorded
            ],
        )
        threading.Thread(target=_watch_parent, args=(server,), daemon=True).start()
        sys.stdout.write('{"ready": true}\n')
        sys.stdout.flush()
        server.run()
    return 0


def _watch_parent(server: EngineServer) -> None:
    while sys.stdin.buffer.read(1):
        continue
    server.stop()


if __name__ == "__main__":
    raise SystemExit(main())
