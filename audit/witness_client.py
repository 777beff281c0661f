"""What a log asks its witnesses, over HTTP or by files.

A log keeps its cosigned checkpoints outside its directory: they are what an auditor holds against
it. The latest tells the old size of the next request; where a witness knows another, it says so.
"""

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.client import HTTPResponse
from typing import TypeAlias

from audit.canonical import parse_count
from audit.checkpoint import Checkpoint
from audit.cosignature import CosignatureVerifier, add_cosignatures
from audit.errors import WitnessRefusedError
from audit.reader import Reader
from audit.witness import SIZE_MEDIA_TYPE, WitnessAnswer, WitnessRequest

_TIMEOUT_S = 20.0
_ANSWER_BYTES_MAX = 1 << 18

_Answer: TypeAlias = "HTTPResponse | urllib.error.HTTPError"
Ask = Callable[[WitnessRequest], WitnessAnswer]


def make_request(log: Reader, *, old_size: int) -> WitnessRequest:
    """Return the request that has the log's published checkpoint cosigned.

    Raises:
        WitnessRefusedError: The witness has seen a larger log than this one.
    """
    note = log.checkpoint()
    size = Checkpoint.parse_body(note.partition("\n\n")[0] + "\n").size
    if old_size > size:
        raise WitnessRefusedError(
            "log size", expected=f"at least the witness's {old_size}", actual=str(size)
        )
    return WitnessRequest(old_size=old_size, proof=log.consistency_proof(old_size), note=note)


def have_cosigned(
    log: Reader, ask: Ask, *, old_size: int, witnesses: Sequence[CosignatureVerifier]
) -> str:
    """Have the published checkpoint cosigned and return it with the cosignatures.

    Args:
        log: The log, opened for reading: one that stands still.
        ask: Brings a request to the witness.
        old_size: What the witness is thought to know; asked once more where it knows another.
        witnesses: Its keys.

    Raises:
        WitnessRefusedError: It refuses: the log was set back, or another key or log is meant.
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


def ask_over_http(url: str) -> Ask:
    """Return what brings requests to a witness's submission prefix.

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
            with urllib.request.urlopen(query, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return _read_answer(answer.status, answer)
        except urllib.error.HTTPError as error:
            with error:
                return _read_answer(error.code, error)
        except OSError as error:
            raise WitnessRefusedError("witness", expected="an answer", actual=str(error)) from error

    return ask


def _read_answer(status: int, answer: _Answer) -> WitnessAnswer:
    body = answer.read(_ANSWER_BYTES_MAX).decode(errors="replace")
    kind = answer.headers.get("Content-Type", "")
    return WitnessAnswer(status=HTTPStatus(status), body=body, media_type=kind)
