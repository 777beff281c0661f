"""Logs, keys and records that the audit tests share."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.clock import ClockState, Instant
from audit.draft import Drafter
from audit.dsse import seal
from audit.filesystem import FileSystem, RealFileSystem
from audit.keys import FileSigner
from audit.log import Log
from audit.options import SEGMENT_BYTES_MAX, LogOptions, no_terms
from audit.record import INLINE_BYTES_MAX, Record, Stamp, Subject
from audit.segment import (
    HEADER_BYTES,
    Frame,
    FrameKind,
    encode_frame,
    encode_header,
    read_frame,
    segment_path,
)
from audit.vault import WORK_RANDOM, Vault
from tests.data import test_data

PASSPHRASE = b"correct horse"
ORIGIN = "finsvc.example/log"
TYPE = "https://finsvc.example/decision/v1"
DRAFTER = Drafter(origin=ORIGIN, sealer=None, terms=no_terms)
STAMP = Stamp(utc_ns=1_795_000_000_123_456_789, clock=ClockState.NTP, error_us=250)


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


def options(
    *, files: FileSystem | None = None, segment_bytes_max: int = SEGMENT_BYTES_MAX
) -> LogOptions:
    return LogOptions(
        files=files or RealFileSystem(), segment_bytes_max=segment_bytes_max, clock=StillClock()
    )


class StillClock:
    """Always the same instant, that of `STAMP`."""

    def now(self) -> Instant:
        return Instant(
            utc_ns=STAMP.utc_ns, monotonic_ns=0, state=STAMP.clock, error_us=STAMP.error_us
        )


def make_vault(path: Path) -> Vault:
    return Vault.create(path, origin=ORIGIN, passphrase=PASSPHRASE, work=WORK_RANDOM)


def make_log(
    folder: Path,
    *,
    num_records: int = 0,
    files: FileSystem | None = None,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    vault: Vault | None = None,
) -> Log:
    log = Log.create(
        folder / "log",
        origin=ORIGIN,
        signer=make_signer(),
        vault=vault,
        options=options(files=files, segment_bytes_max=segment_bytes_max),
    )
    for number in range(num_records):
        log.append(make_record(number))
    return log


def vectors(path: str) -> dict[str, object]:
    return json.loads(test_data(path).read_text())


def unbase64(text: str) -> bytes:
    return base64.b64decode(text)


def make_entry(record: Record, index: int, signer: FileSigner, *, origin: str = ORIGIN) -> bytes:
    drafter = Drafter(origin=origin, sealer=None, terms=no_terms)
    return seal(drafter.draft(record).statement(index, STAMP), signer=signer)


def read_frames(directory: Path) -> list[Frame]:
    """The frames of a log's first segment."""
    data = segment_path(directory, 0).read_bytes()
    frames, offset = [], HEADER_BYTES
    while offset < len(data):
        frames.append(read_frame(data, offset))
        offset = frames[-1].end
    return frames


def write_frames(directory: Path, frames: Iterable[tuple[FrameKind, int, bytes]]) -> None:
    data = encode_header(0) + b"".join(encode_frame(*frame) for frame in frames)
    segment_path(directory, 0).write_bytes(data)


def drop_payloads(directory: Path) -> None:
    kept = [frame for frame in read_frames(directory) if frame.kind is not FrameKind.PAYLOAD]
    write_frames(directory, [(frame.kind, frame.index, frame.data) for frame in kept])
