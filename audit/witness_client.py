"""What a log asks its witnesses, over HTTP or by files.

A log keeps its cosigned checkpoints outside its directory: they are what an auditor holds against
it. The latest tells the old size of the next request; where a witness knows another, it says so.
"""

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Protocol, TypeAlias

from audit.canonical import parse_count
from audit.cosignature import CosignatureVerifier, add_cosignatures
from audit.errors import StaleCheckpointError, WitnessRefusedError
from audit.witness import SIZE_MEDIA_TYPE, WitnessAnswer, WitnessRequest

_TIMEOUT_S = 20.0
_ANSWER_BYTES_MAX = 1 << 18

_Answer: TypeAlias = "HTTPResponse | urllib.error.HTTPError"
Ask = Callable[[WitnessRequest], WitnessAnswer]


class Provable(Protocol):
    """A log that stands still, or the snapshot of one that does not."""

    @property
    def size(self) -> int:
        """Number of entries that the checkpoint covers."""

    def checkpoint(self) -> str:
        """Return the signed checkpoint."""

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that an earlier size is a prefix of it."""


def make_request(log: Provable, *, old_size: int) -> WitnessRequest:
    """Return the request that has the log's published checkpoint cosigned.

    Raises:
        StaleCheckpointError: The witness has seen a larger log than this one.
    """
    if old_size > log.size:
        raise StaleCheckpointError(
            "log size", expected=f"at least the witness's {old_size}", actual=str(log.size)
        )
    return WitnessRequest(
        old_size=old_size, proof=log.consistency_proof(old_size), note=log.checkpoint()
    )


def have_cosigned(
    log: Provable, ask: Ask, *, old_size: int, witnesses: Sequence[CosignatureVerifier]
) -> str:
    """Have the published checkpoint cosigned and return it with the cosignatures.

    Args:
        log: What is to be cosigned.
        ask: Brings a request to the witness.
        old_size: What the witness is thought to know; asked once more where it knows another.
        witnesses: Its keys.

    Raises:
        StaleCheckpointError: It has cosigned a larger log: this one was set back.
        WitnessRefusedError: It refuses: another history, key or log is meant; or no answer comes.
        SignatureError: Its cosignature is wrong.
        FormatError: Its answer makes no sense.
    """
    request = make_request(log, old_size=old_size)
    answer = ask(request)
    if answer.status == HTTPStatus.CONFLICT and answer.media_type == SIZE_MEDIA_TYPE:
        known = parse_count(answer.body.strip(), field="witness size")
        if known != old_size:
            request = make_request(log, old_size=known)
            answer = ask(request)
    return take_answer(request, answer, witnesses=witnesses)


def take_answer(
    request: WitnessRequest, answer: WitnessAnswer, *, witnesses: Sequence[CosignatureVerifier]
) -> str:
    """Return a request's checkpoint with the cosignatures of an answer.

    Raises:
        WitnessRefusedError: The answer is a refusal.
        SignatureError: No trusted witness has signed, or one wrongly.
        FormatError: The answer makes no sense.
    """
    if answer.status != HTTPStatus.OK:
        raise WitnessRefusedError(
            "witness", expected="status 200", actual=f"{answer.status} {answer.body[:200].strip()}"
        )
    note, _ = add_cosignatures(request.note, answer.body, witnesses)
    return note


def ask_over_http(url: str, *, timeout_s: float = _TIMEOUT_S) -> Ask:
    """Return what brings requests to a witness's submission prefix.

    Args:
        url: The prefix.
        timeout_s: How long a silent witness is waited for.

    Raises:
        WitnessRefusedError: The URL is neither http nor https. Asking: the witness does not answer.
    """
    if not url.startswith(("http://", "https://")):
        raise WitnessRefusedError("witness URL", expected="http or https", actual=url)

    def ask(request: WitnessRequest) -> WitnessAnswer:
        query = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{url.rstrip('/')}/add-checkpoint", data=request.text.encode()
        )
        try:
            with _open(query, timeout_s) as answer:
                return _read_answer(answer)
        except (OSError, HTTPException, ValueError) as error:
            raise WitnessRefusedError("witness", expected="an answer", actual=str(error)) from error

    return ask


def _open(query: urllib.request.Request, timeout_s: float) -> _Answer:
    """Send a request; a refusal is an answer as well."""
    try:
        answer: HTTPResponse = urllib.request.urlopen(query, timeout=timeout_s)  # noqa: S310
    except urllib.error.HTTPError as error:
        return error
    return answer


def _read_answer(answer: _Answer) -> WitnessAnswer:
    body = answer.read(_ANSWER_BYTES_MAX).decode(errors="replace")
    kind = answer.headers.get("Content-Type", "")
    return WitnessAnswer(status=HTTPStatus(answer.status or 0), body=body, media_type=kind)
