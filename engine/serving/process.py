"""What runs in the engine's process: load a checkpoint, serve it, end when the parent does.

    python -m engine.serving.process --model FOLDER --listener FD [--threads N] [--device cuda]

Standard output carries one JSON line once the model is loaded, `{"ready": true}` or
`{"error": {"code", "message"}}`. The end of standard input, which comes when the parent closes it
or dies, lets the engine finish what runs and end. SIGINT and SIGTERM, which a terminal or a service
manager may send to all processes at once, are the parent's business: it still needs the engine to
finish its own requests. A device that has failed ends the process, so that it is started anew.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import socket
import sys
import threading
from functools import cache
from pathlib import Path

from engine.engine import Engine, check_request
from engine.errors import EngineError
from engine.rescore import Rescorer
from engine.serving.server import EngineServer

EXIT_UNUSABLE = 3
EXIT_DEVICE_FAILED = 4


@cache
def rescorer(engine: Engine) -> Rescorer:
    """The one that checks recorded generations on an engine, made when first needed.

    Raises:
        RequestError: The engine runs on a GPU.
    """
    return Rescorer(engine)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="engine.serving.process")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--listener", type=int, required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        engine = Engine.load(given.model, num_threads=given.threads, device=given.device)
    except EngineError as error:
        _say({"error": {"code": error.code, "message": str(error)}})
        return EXIT_UNUSABLE
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=given.listener) as listener:
        server = EngineServer(
            engine.core,
            listener,
            info=engine.info,
            fingerprint=engine.fingerprint,
            mask_of=lambda grammar: engine.grammars.mask(grammar),
            check=lambda request: check_request(request, engine.info.config),
            rescore=lambda recorded: rescorer(engine).rescore(recorded),
        )
        threading.Thread(target=_watch_parent, args=(server,), daemon=True).start()
        _say({"ready": True})
        server.run()
    return 0 if engine.is_ready else EXIT_DEVICE_FAILED


def _watch_parent(server: EngineServer) -> None:
    while sys.stdin.buffer.read(1):
        continue
    server.stop()


def _say(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
