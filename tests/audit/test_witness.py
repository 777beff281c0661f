import json
import threading
from http import HTTPStatus
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.cosignature import verify_cosignatures
from audit.errors import FormatError, LogFailedError, LogLockedError, WitnessStateError
from audit.filesystem import RealFileSystem
from audit.rfc6962 import MerkleTree, leaf_hash
from audit.signed_note import Verifier
from audit.witness import SIZE_MEDIA_TYPE, Witness, WitnessRequest
from tests.audit.support import ORIGIN, make_signer, vectors
from tests.audit.test_cosignature import ED25519, ML_DSA

SIGNER = make_signer()


def make_witness(folder: Path, **arguments: object) -> Witness:
    given = {
        "cosigners": [ED25519, ML_DSA],
        "logs": {ORIGIN: [SIGNER.verifier]},
        "clock_s": lambda: 1_795_000_000,
    }
    return Witness(folder / "witness", **(given | arguments))


def tree_of(size: int, *, salt: int = 0) -> MerkleTree:
    tree = MerkleTree()
    for number in range(size):
        tree.append(leaf_hash(bytes([number, salt])))
    return tree


def request(old_size: int, size: int, *, salt: int = 0, origin: str = ORIGIN) -> WitnessRequest:
    tree = tree_of(size, salt=salt)
    checkpoint = Checkpoint(origin=origin, size=size, root=tree.root())
    proof = tree.consistency_proof(old_size, size) if old_size <= size else ()
    return WitnessRequest(old_size=old_size, proof=proof, note=checkpoint.sign(make_signer(origin)))


def ask(witness: Witness, old_size: int, size: int, **arguments: object) -> tuple[int, str]:
    answer = witness.add_checkpoint(request(old_size, size, **arguments).text.encode())
    return answer.status, answer.body


def test_witness_public_session_answers_as_published(tmp_path: Path):
    session = vectors("audit/c2sp/tlog-witness-sequence.json")
    origin = json.loads(json.dumps(session["steps"][0]["body"])).split("\n")[2]
    key = Verifier(origin, bytes.fromhex(session["log_ed25519_public_key_hex"]))
    witness = make_witness(tmp_path, cosigners=[ED25519], logs={origin: [key]})
    statuses = []
    for step in session["steps"]:
        answer = witness.add_checkpoint(step["body"].encode())
        statuses.append(int(answer.status))
        if answer.status == HTTPStatus.CONFLICT:
            assert step["asserts"] == [f'body == "{answer.body.strip()}\\n"']
            assert answer.media_type == SIZE_MEDIA_TYPE
    # An unknown log was a 403 when the session was taken down; C2SP says 404 today.
    assert statuses == [200, 403, 404, 422, 422, 200, 409, 200, 409]


def test_witness_cosigns_what_continues_and_remembers_it(tmp_path: Path):
    witness = make_witness(tmp_path)
    for old, new in ((0, 3), (3, 3), (3, 7)):
        status, lines = ask(witness, old, new)
        assert status == 200
        keys = [ED25519.verifier, ML_DSA.verifier]
        found = verify_cosignatures(request(old, new).note + lines, keys)
        assert len(found) == 2
        assert {item.time_s for item in found} == {1_795_000_000}
    witness.close()
    witness = make_witness(tmp_path)
    assert witness.latest(ORIGIN).size == 7
    assert ask(witness, 0, 3) == (409, "7\n")


def test_witness_refuses_to_go_back_or_to_another_history(tmp_path: Path):
    witness = make_witness(tmp_path)
    ask(witness, 0, 5)
    assert ask(witness, 3, 4) == (409, "5\n")
    assert ask(witness, 5, 5, salt=1) == (409, "5\n")
    assert ask(witness, 5, 8, salt=1)[0] == 422
    assert ask(witness, 5, 4)[0] == 400
    assert ask(witness, 0, 1, origin="other.example/log")[0] == 404
    assert witness.latest(ORIGIN).size == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"old 0\n",
        b"new 0\n\nnote",
        b"old 00\n\nnote",
        b"old 0\nAAAA\n\nnote",
        b"old 0\n\nnote",
        b"old 0\n\norigin\nx\n\n\xe2\x80\x94 name AAAAAAA=\n",
    ],
)
def test_witness_malformed_request_is_a_bad_request(tmp_path: Path, body: bytes):
    assert make_witness(tmp_path).add_checkpoint(body).status == 400


def test_request_round_trips():
    one = request(3, 7)
    assert WitnessRequest.parse(one.text.encode()) == one
    with pytest.raises(FormatError):
        WitnessRequest.parse(b"old 1\n" + b"AAAA\n" * 64 + b"\nnote")


def test_two_witnesses_on_one_folder_are_refused(tmp_path: Path):
    first = make_witness(tmp_path)
    with pytest.raises(LogLockedError):
        make_witness(tmp_path)
    first.close()
    make_witness(tmp_path).close()


def test_damaged_state_cosigns_nothing(tmp_path: Path):
    witness = make_witness(tmp_path)
    ask(witness, 0, 2)
    (path,) = (tmp_path / "witness").glob("*.checkpoint")
    other = Checkpoint(origin="other", size=1, root=bytes(32)).body.encode()
    for data in (b"", b"nonsense", other):
        path.write_bytes(data)
        with pytest.raises(WitnessStateError):
            ask(witness, 2, 3)


class FailingFiles(RealFileSystem):
    """Fails one call by name."""

    def __init__(self, name: str) -> None:
        def fail(*_: object) -> None:
            raise OSError(28, "no space")

        setattr(self, name, fail)


@pytest.mark.parametrize("name", ["open_new", "write", "sync", "rename", "sync_directory"])
def test_state_that_cannot_be_kept_is_not_cosigned(tmp_path: Path, name: str):
    witness = make_witness(tmp_path, files=FailingFiles(name))
    with pytest.raises(LogFailedError):
        ask(witness, 0, 2)
    witness.close()
    # Nothing was cosigned, so whatever the disk holds, the next request gets a true answer.
    known = 2 if name == "sync_directory" else 0
    assert ask(make_witness(tmp_path), known, 2)[0] == 200


def test_concurrent_requests_never_go_back(tmp_path: Path):
    witness, answers = make_witness(tmp_path, cosigners=[ED25519]), []
    bodies = [request(0, size).text.encode() for size in range(1, 9)]
    threads = [
        threading.Thread(target=lambda b=body: answers.append(witness.add_checkpoint(b).status))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
