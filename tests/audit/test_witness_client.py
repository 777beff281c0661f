import io
import urllib.error
from email.message import Message
from http import HTTPStatus
from http.client import BadStatusLine
from pathlib import Path

import pytest

from audit.cosignature import verify_cosignatures
from audit.errors import SignatureError, StaleCheckpointError, WitnessRefusedError
from audit.witness import WitnessAnswer, WitnessRequest
from audit.witness_client import ask_over_http, have_cosigned, make_request, take_answer
from tests.audit.support import make_log, make_record
from tests.audit.test_cosignature import ED25519, ML_DSA
from tests.audit.test_witness import make_witness, request

KEYS = [ED25519.verifier, ML_DSA.verifier]


def bring(witness):
    return lambda one: witness.add_checkpoint(one.text.encode())


def test_log_is_cosigned_and_learns_what_the_witness_knows(tmp_path: Path):
    witness = make_witness(tmp_path)
    with make_log(tmp_path, num_records=2) as log:
        for _ in range(2):
            note = have_cosigned(log, bring(witness), old_size=0, witnesses=KEYS)
            assert len(verify_cosignatures(note, KEYS, threshold=1)) == 2
            log.append(make_record(3))
        note = have_cosigned(log, bring(witness), old_size=3, witnesses=KEYS)
        assert note.startswith(log.checkpoint())


def test_log_that_was_set_back_is_refused(tmp_path: Path):
    witness = make_witness(tmp_path)
    witness.add_checkpoint(request(0, 5).text.encode())
    with make_log(tmp_path, num_records=2) as log:
        with pytest.raises(StaleCheckpointError, match="at least the witness's 5"):
            have_cosigned(log, bring(witness), old_size=0, witnesses=KEYS)
        for number in range(3):
            log.append(make_record(number))
        for old_size in (0, 5):
            with pytest.raises(WitnessRefusedError, match="409"):
                have_cosigned(log, bring(witness), old_size=old_size, witnesses=KEYS)


def test_answer_by_a_stranger_is_refused(tmp_path: Path):
    with make_log(tmp_path, num_records=2) as log:
        one = make_request(log, old_size=0)
        answer = make_witness(tmp_path, cosigners=[ED25519]).add_checkpoint(one.text.encode())
        with pytest.raises(SignatureError):
            take_answer(one, answer, witnesses=[ML_DSA.verifier])


class Answer(io.BytesIO):
    status = 200
    headers = Message()


def test_ask_over_http_reads_answers_and_refusals(monkeypatch):
    seen = []

    def urlopen(query, timeout: float):
        seen.append((query.full_url, query.data))
        if len(seen) == 1:
            return Answer("— x".encode())
        if len(seen) == 2:
            raise urllib.error.HTTPError("", 409, "", Message(), io.BytesIO(b"7\n"))
        if len(seen) == 3:
            raise urllib.error.HTTPError("", 799, "", Message(), io.BytesIO(b""))
        if len(seen) == 4:
            raise BadStatusLine("nonsense")
        raise urllib.error.URLError("gone")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    ask = ask_over_http("https://witness.example/")
    one = WitnessRequest(old_size=0, proof=(), note="note")
    assert ask(one) == WitnessAnswer(status=HTTPStatus.OK, body="— x", media_type="")
    assert ask(one).status == 409
    for reason in ("799", "nonsense"):
        with pytest.raises(WitnessRefusedError, match=reason):
            ask(one)
    with pytest.raises(WitnessRefusedError, match="gone"):
        ask(one)
    assert seen[0] == ("https://witness.example/add-checkpoint", b"old 0\n\nnote")
    with pytest.raises(WitnessRefusedError, match="http or https"):
        ask_over_http("file:///etc/passwd")
