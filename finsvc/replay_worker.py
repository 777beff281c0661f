"""What runs in a process of its own when many decisions are replayed: an engine and a reader.

    python -m finsvc.replay_worker < JOB

The job is a JSON object: `settings` (data directory, model, threads, device), `level`, `ids`. Each
result leaves as a line of JSON. The log is read beside whoever writes it; nothing is written.
"""

import json
import sys
from dataclasses import asdict

from engine.engine import Engine
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.engine import EngineModel
from finsvc.adapters.policies import CedarPolicies
from finsvc.adapters.replay import DecisionReplayer
from finsvc.data import open_data
from finsvc.services.replay import Level
from finsvc.settings import Settings
from finsvc.wiring import model_folder


def main() -> int:
    """Replay what the standard input names."""
    job = json.load(sys.stdin)
    settings = Settings(**job["settings"])
    folder = settings.data_dir
    engine = Engine.load(
        model_folder(settings), num_threads=settings.threads, device=settings.device
    )
    audit = AuditLog.read(folder / "log", folder / "keys" / "log.pem", settings=settings.audit)
    replayer = DecisionReplayer(
        audit=audit,
        policies=CedarPolicies(folder / "bundles"),
        model=EngineModel(engine, name=settings.model),
        market_for=open_data(settings, lambda _: None).market_for,
    )
    for result in replayer.replay_many(job["ids"], Level(job["level"])):
        sys.stdout.write(json.dumps(asdict(result)) + "\n")
        sys.stdout.flush()
    audit.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
