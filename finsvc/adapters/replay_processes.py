"""Replay of many decisions by several processes, each with an engine of its own.

The decisions are dealt out in stretches of the log, whose conversations share beginnings; results
come back in the order of the log. Each engine has the threads that the settings name, since these
are part of the device class: more processes need more cores.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from finsvc.adapters.replay import GROUP_DECISIONS, DecisionReplayer
from finsvc.domain.errors import UnavailableError
from finsvc.services.replay import Level, ModelWhatIf, ReplayResult, WhatIf
from finsvc.settings import Settings

_WORKER = "finsvc.replay_worker"

_Results = queue.SimpleQueue[ReplayResult | None]


class ParallelReplayer:
    """Implements the services' `Replayer`: many decisions in processes, the rest in this one."""

    def __init__(self, inner: DecisionReplayer, settings: Settings) -> None:
        """Deal out what is too much for one."""
        self._inner = inner
        self._settings = settings

    @property
    def fingerprint(self) -> str:
        """Of the model that samples again."""
        return self._inner.fingerprint

    def replay(self, record_id: str, level: Level) -> ReplayResult:
        """Replay one record in this process."""
        return self._inner.replay(record_id, level)

    def what_if(self, record_ids: Sequence[str], bundle: Path) -> WhatIf:
        """Take recorded policy decisions again under the bundle of a folder."""
        return self._inner.what_if(record_ids, bundle)

    def what_if_model(self, record_ids: Sequence[str], model: Path) -> ModelWhatIf:
        """Put recorded turns to the model of a folder."""
        return self._inner.what_if_model(record_ids, model)

    def record_ids(self) -> list[str]:
        """Identifiers of every decision in the log, in order."""
        return self._inner.record_ids()

    def replay_many(self, record_ids: Sequence[str], level: Level) -> Iterator[ReplayResult]:
        """Replay records in order, by as many processes as the settings allow.

        Raises:
            UnavailableError: A process ended before its last result.
        """
        count = min(self._settings.replay_processes, -(-len(record_ids) // GROUP_DECISIONS))
        if count < 2:
            yield from self._inner.replay_many(record_ids, level)
            return
        size = -(-len(record_ids) // count)
        shares = [record_ids[start : start + size] for start in range(0, len(record_ids), size)]
        workers = [self._start(share, level) for share in shares]
        try:
            for share, (_, results) in zip(shares, workers, strict=True):
                yield from _take(results, len(share))
        finally:
            for process, _ in workers:
                process.kill()
                process.wait()

    def _start(
        self, record_ids: Sequence[str], level: Level
    ) -> tuple[subprocess.Popen[str], _Results]:
        settings = self._settings.model_dump(
            mode="json", include={"data_dir", "model", "threads", "device"}
        )
        job = {"settings": settings, "level": level.value, "ids": list(record_ids)}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        results: _Results = queue.SimpleQueue()
        threading.Thread(
            target=_feed, args=(process, json.dumps(job), results), daemon=True
        ).start()
        return process, results


def _feed(process: subprocess.Popen[str], job: str, results: _Results) -> None:
    """Hand over the job, then results as they come; None once no more will."""
    if process.stdin is not None and process.stdout is not None:
        with process.stdin as stdin:
            stdin.write(job)
        for line in process.stdout:
            results.put(ReplayResult(**json.loads(line)))
        process.stdout.close()
    results.put(None)


def _take(results: _Results, count: int) -> Iterator[ReplayResult]:
    for _ in range(count):
        result = results.get()
        if result is None:
            raise UnavailableError("a process that replays ended before its last decision")
        yield result
