"""Logs, keys and records that the audit tests share."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.filesystem import FileSystem
from audit.keys import FileSigner
from audit.log import SEGMENT_BYTES_MAX, Log
from audit.record import INLINE_BYTES_MAX, Record, Subject
from tests.data import test_data

ORIGIN = "finsvc.example/log"
TYPE = "https://finsvc.example/decision/v1"


def make_signer(name: str = ORIGIN, *, seed: int = 1) -> FileSigner:
    return FileSigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def make_record(
    number: int = 0, *, size: int = 10, attachments: Mapping[str, bytes] | None = None
) -> Record:
    return Record(
        type=TYPE,
        id=f"decision-{number}",
        subjects=(Subject(name="answer", sha256=f"{number:064x}"),),
        predicate={"decision_id": f"decision-{number}", "answer": "x" * size},
        attachments=attachments or {},
    )


def make_large_record(number: int = 0) -> Record:
    return make_record(number, size=INLINE_BYTES_MAX + 1)


def make_log(
    folder: Path,
    *,
    num_records: int = 0,
    files: FileSystem | None = None,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
) -> Log:
    log = Log.create(
        folder / "log",
        origin=ORIGIN,
        signer=make_signer(),
        files=files,
        segment_bytes_max=segment_bytes_max,
    )
    for number in range(num_records):
        log.append(make_record(number))
    return log


def vectors(path: str) -> dict[str, object]:
    return json.loads(test_data(path).read_text())


def unbase64(text: str) -> bytes:
    return base64.b64decode(text)
