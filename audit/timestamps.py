"""RFC 3161 time stamps of checkpoints, where a time stamp authority is given.

A stamp says that a checkpoint existed at a time, by a clock that is not the operator's. The signed
checkpoint and the authority's reply lie beside each other in the log's directory and are evidence:
they are synced and never replaced. SPEC.md, section 9.
"""

import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography.x509 import Certificate
from rfc3161_client import (
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.checkpoint import Checkpoint
from audit.errors import TimeStampError
from audit.filesystem import FileSystem, RealFileSystem, replace_file, storage_errors
from audit.layout import TIMESTAMPS

_MEDIA_TYPE = "application/timestamp-query"
_TIMEOUT_S = 20.0
_REPLY_BYTES_MAX = 1 << 16


class TimeStampAuthority(Protocol):
    """Answers RFC 3161 requests."""

    def reply(self, request: bytes) -> bytes:
        """Return the DER reply to a DER request.

        Raises:
            TimeStampError: It does not answer.
        """


@dataclass(frozen=True, slots=True)
class HttpAuthority:
    """An authority over HTTP, as RFC 3161 section 3.4 has it.

    Attributes:
        url: Where it listens; http or https.
    """

    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise TimeStampError("authority", expected="an http or https URL", actual=self.url)

    def reply(self, request: bytes) -> bytes:
        """Return the DER reply to a DER request.

        Raises:
            TimeStampError: It does not answer.
        """
        query = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self.url, data=request, headers={"Content-Type": _MEDIA_TYPE}
        )
        try:
            with urllib.request.urlopen(query, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                data: bytes = answer.read(_REPLY_BYTES_MAX)
        except (OSError, urllib.error.URLError) as error:
            raise TimeStampError("authority", expected="a reply", actual=str(error)) from error
        return data


def stamp_path(directory: Path, size: int) -> Path:
    """Where the note of a stamped checkpoint lies; its reply lies beside it, ending in `.tsr`."""
    return directory / TIMESTAMPS / f"{size:012d}.note"


def stamp_checkpoint(
    directory: Path,
    note: str,
    authority: TimeStampAuthority,
    *,
    roots: Sequence[Certificate],
    files: FileSystem | None = None,
) -> datetime:
    """Have a checkpoint stamped, check the reply, and keep both durably.

    Args:
        directory: The log's directory.
        note: The signed checkpoint.
        authority: Who stamps it.
        roots: Certificates that are trusted to name authorities.
        files: System calls.

    Returns:
        The time of the stamp.

    Raises:
        TimeStampError: The authority does not answer, refuses, or its reply does not verify.
        LogFailedError: Storage failed.
    """
    files = files or RealFileSystem()
    size = Checkpoint.parse_body(note.partition("\n\n")[0] + "\n").size
    data = note.encode()
    request = TimestampRequestBuilder().data(data).nonce(nonce=True).build()
    reply = authority.reply(request.as_bytes())
    time = verify_stamp(data, reply, roots=roots, nonce=request.nonce)
    path = stamp_path(directory, size)
    with storage_errors(directory):
        files.make_directory(path.parent)
        replace_file(files, path, data)
        replace_file(files, path.with_suffix(".tsr"), reply)
        files.sync_directory(path.parent)
        files.sync_directory(directory)
    return time


def verify_stamp(
    note: bytes, reply: bytes, *, roots: Sequence[Certificate], nonce: int | None = None
) -> datetime:
    """Check a reply over a signed checkpoint, and return its time.

    Raises:
        TimeStampError: It is malformed, refused, over something else, or by an unknown authority.
    """
    try:
        response = decode_timestamp_response(reply)
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        if nonce is not None:
            builder = builder.nonce(nonce)
        builder.build().verify_message(response, note)
    except (ValueError, VerificationError) as error:
        raise TimeStampError("time stamp", expected="a valid one", actual=str(error)) from error
    return response.tst_info.gen_time
