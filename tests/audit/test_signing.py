import base64
import os
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import FormatError, LogFailedError, SignerFailedError, SignerRefusedError
from audit.keys import FileSigner
from audit.log import Log
from audit.rfc6962 import EMPTY_ROOT, MerkleTree, leaf_hash
from audit.signer_process import SignerConfig, SignerProcess
from audit.signer_server import make_file_signer, run, serve
from audit.signer_wire import Operation, Status, join_messages, receive, send, split_messages
from audit.signing import DirectSigner, SignerMemory, as_log_signer
from tests.audit.support import ORIGIN, make_record, make_signer, options

SIGNER = make_signer()


def tree_of(count: int, salt: bytes = b"") -> MerkleTree:
    tree = MerkleTree()
    for number in range(count):
        tree.append(leaf_hash(salt + bytes([number])))
    return tree


def checkpoint_of(tree: MerkleTree, size: int) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=size, root=tree.root(size))


@pytest.fixture
def memory(tmp_path: Path):
    opened = SignerMemory(tmp_path / "memory")
    yield opened
    opened.close()
    opened.close()


def test_memory_grows_and_is_read_back(tmp_path, memory):
    tree = tree_of(9)
    assert (memory.size, memory.root) == (0, EMPTY_ROOT)
    for old, new in ((0, 3), (3, 3), (3, 8), (8, 9)):
        memory.advance(checkpoint_of(tree, new), tree.consistency_proof(old, new))
        again = SignerMemory(tmp_path / "memory")
        assert (again.size, again.root) == (new, tree.root(new))
        again.close()


@pytest.mark.parametrize("size", [0, 3, 5, 7])
def test_memory_refuses_to_go_back_or_aside(memory, size: int):
    tree, other = tree_of(8), tree_of(8, b"other")
    memory.advance(checkpoint_of(tree, 5), ())
    for history in (tree, other):
        if (history, size) in ((tree, 5), (tree, 7)):
            continue
        with pytest.raises(SignerRefusedError):
            memory.advance(
                checkpoint_of(history, size), history.consistency_proof(min(5, size), size)
            )
    assert (memory.size, memory.root) == (5, tree.root(5))


def test_memory_torn_record_leaves_the_one_before(tmp_path, memory):
    tree = tree_of(4)
    for old, new in ((0, 1), (1, 2)):
        memory.advance(checkpoint_of(tree, new), tree.consistency_proof(old, new))
    data = bytearray((tmp_path / "memory").read_bytes())
    data[20] ^= 1
    (tmp_path / "memory").write_bytes(data)
    assert SignerMemory(tmp_path / "memory").size == 1
    data[4096 + 20] ^= 1
    (tmp_path / "memory").write_bytes(data)
    with pytest.raises(FormatError):
        SignerMemory(tmp_path / "memory")
    (tmp_path / "memory").write_bytes(b"short")
    with pytest.raises(FormatError):
        SignerMemory(tmp_path / "memory")


def test_memory_of_another_kind_is_refused(tmp_path, memory, monkeypatch):
    monkeypatch.setattr("audit.signing._MAGIC", b"OTHERONE")
    with pytest.raises(FormatError):
        SignerMemory(tmp_path / "memory")


def test_memory_that_cannot_be_written_does_not_move(memory, monkeypatch):
    tree = tree_of(2)
    monkeypatch.setattr(os, "pwrite", lambda *_: 3)
    with pytest.raises(LogFailedError):
        memory.advance(checkpoint_of(tree, 1), ())
    assert memory.size == 0


def test_direct_signer_without_memory_signs_what_it_is_given():
    signer = as_log_signer(SIGNER)
    assert as_log_signer(signer) is signer
    checkpoint = checkpoint_of(tree_of(3), 3)
    assert SIGNER.verifier.is_valid(
        checkpoint.body.encode(), signer.sign_checkpoint(checkpoint, ())
    )
    assert signer.last_signed() == (0, EMPTY_ROOT)
    signer.close()


def test_log_set_back_is_refused_by_its_signer(tmp_path):
    """A log restored from a copy cannot go on, though the copy itself is in order."""

    def signer() -> DirectSigner:
        return DirectSigner(SIGNER, SignerMemory(tmp_path / "memory"))

    chosen = options()
    log = Log.create(tmp_path / "log", origin=ORIGIN, signer=signer(), options=chosen)
    log.append(make_record(0))
    log.close()
    old = {p: p.read_bytes() for p in (tmp_path / "log").rglob("*") if p.is_file()}
    with Log.open(tmp_path / "log", signer=signer(), options=chosen) as log:
        log.append(make_record(1))
    for path, data in old.items():
        path.write_bytes(data)
    with pytest.raises(SignerRefusedError, match="size 2"):
        Log.open(tmp_path / "log", signer=signer(), options=chosen)


@pytest.fixture
def key(tmp_path: Path) -> SignerConfig:
    FileSigner.generate(tmp_path / "key", name=ORIGIN, passphrase=b"horse")
    return SignerConfig(key=tmp_path / "key", memory=tmp_path / "memory", passphrase=b"horse")


def test_signer_process_signs_remembers_and_refuses(key):
    tree, other = tree_of(5), tree_of(5, b"other")
    signer = SignerProcess(key)
    messages = [b"one", b"", b"x" * 70_000]
    signatures = signer.sign_entries(messages)
    for message, signature in zip(messages, signatures, strict=True):
        assert signer.verifier.is_valid(message, signature)
    checkpoint = checkpoint_of(tree, 3)
    signature = signer.sign_checkpoint(checkpoint, ())
    assert signer.verifier.is_valid(checkpoint.body.encode(), signature)
    with pytest.raises(SignerRefusedError):
        signer.sign_checkpoint(checkpoint_of(other, 5), other.consistency_proof(3, 5))
    signer.close()
    signer.close()
    with SignerProcessOf(key) as again:
        assert again.last_signed() == (3, tree.root(3))


class SignerProcessOf:
    def __init__(self, config: SignerConfig) -> None:
        self._signer = SignerProcess(config)

    def __enter__(self) -> SignerProcess:
        return self._signer

    def __exit__(self, *_: object) -> None:
        self._signer.close()


def test_signer_process_that_cannot_open_its_key_says_why(key):
    (key.key).chmod(0o644)
    with pytest.raises(SignerFailedError, match="0600"):
        SignerProcess(key)


def test_signer_process_that_is_killed_fails_the_log(tmp_path, key):
    signer = SignerProcess(key)
    log = Log.create(tmp_path / "log", origin=ORIGIN, signer=signer, options=options())
    log.append(make_record(0))
    signer._process.kill()
    signer._process.wait()
    with pytest.raises(LogFailedError, match="signer"):
        log.append(make_record(1))
    log.close()
    with Log.open(tmp_path / "log", signer=SignerProcess(key), options=options()) as log:
        assert log.append(make_record(1)).index == 1
        assert log.verify().ok


def test_signer_process_that_hangs_is_killed_when_closed(key, monkeypatch):
    monkeypatch.setattr("audit.signer_process._TIMEOUT_S", 0.05)
    monkeypatch.setattr("audit.signer_process._PROGRAM", "import time; time.sleep(60)")
    with pytest.raises(SignerFailedError):
        SignerProcess(key)


@pytest.fixture
def server(key):
    """The server in a thread of this process."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(theirs, make_file_signer))
    thread.start()
    yield ours, key
    ours.close()
    thread.join()
    theirs.close()


def ask(connection: socket.socket, operation: int, body: bytes) -> tuple[int, bytes]:
    send(connection, operation, body)
    return receive(connection)


def test_server_answers_what_it_cannot_do(server):
    connection, key = server
    assert ask(connection, Operation.INFO, b"")[0] == Status.FAILED
    assert ask(connection, Operation.START, b"nonsense")[0] == Status.FAILED
    start = b'{"key":"%b","memory":"%b","passphrase":"horse"}' % (bytes(key.key), bytes(key.memory))
    assert ask(connection, Operation.START, start.replace(b'"horse"', b"null"))[0] == Status.FAILED
    assert ask(connection, Operation.START, start)[0] == Status.OK
    assert ask(connection, Operation.INFO, b"")[0] == Status.OK
    assert ask(connection, Operation.ENTRIES, join_messages([b"a", b"b"]))[1][128:] == b""
    assert ask(connection, Operation.ENTRIES, b"\0\0\0\x05abc")[0] == Status.FAILED
    assert ask(connection, Operation.ENTRIES, b"\0")[0] == Status.FAILED
    assert ask(connection, Operation.CHECKPOINT, b"{}")[0] == Status.FAILED
    tree = tree_of(2)
    for size, expected in ((2, Status.OK), (1, Status.REFUSED)):
        body = b'{"size":%d,"root":"%b","proof":""}' % (size, base64.b64encode(tree.root(size)))
        assert ask(connection, Operation.CHECKPOINT, body)[0] == expected


def test_run_serves_on_standard_input(monkeypatch):
    ours, theirs = socket.socketpair()
    ours.close()
    monkeypatch.setattr("audit.signer_server.socket.socket", lambda fileno: theirs)
    run(make_file_signer)


@pytest.mark.parametrize(
    "data", [b"\x01", struct.pack(">BI", 1, 1 << 30), struct.pack(">BI", 1, 4) + b"abc"]
)
def test_receive_cut_or_endless_frames_are_refused(data: bytes):
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    theirs.close()
    with pytest.raises(SignerFailedError):
        receive(ours)
    ours.close()


def test_split_messages_gives_them_back():
    messages = [b"", b"a", b"b" * 300]
    assert split_messages(join_messages(messages)) == messages


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([(Status.OK, b"x" * 63)], "signatures"),
        ([(Status.FAILED, b"because")], "because"),
        ([], "ended"),
    ],
)
def test_signer_process_wrong_answers_are_errors(key, replies, message: str):
    signer = SignerProcess(key)
    signer._connection.close()
    ours, theirs = socket.socketpair()
    signer._connection = ours
    for reply in replies:
        send(theirs, *reply)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(SignerFailedError, match=message):
        signer.sign_entries([b"a"])
    theirs.close()
    signer.close()


def test_signer_process_wrong_checkpoint_signature_is_refused(key):
    signer = SignerProcess(key)
    signer._connection.close()
    ours, theirs = socket.socketpair()
    signer._connection = ours
    send(theirs, Status.OK, b"x" * 64)
    with pytest.raises(SignerFailedError, match="right signature"):
        signer.sign_checkpoint(checkpoint_of(tree_of(1), 1), ())
    theirs.close()
    signer.close()


@pytest.mark.parametrize("sent", [b"\x01", b"\x01\x00\x00\x00\x05ab"], ids=["head", "body"])
def test_frame_that_is_cut_by_the_end_of_the_other_side_is_refused(sent: bytes):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(SignerFailedError):
            receive(ours)


def test_frame_that_comes_in_pieces_is_put_together():
    ours, theirs = socket.socketpair()
    frame = b"\x00\x00\x00\x00\x06abcdef"

    def send_slowly() -> None:
        for place in range(len(frame)):
            theirs.sendall(frame[place : place + 1])
            time.sleep(0.002)

    with ours, theirs:
        thread = threading.Thread(target=send_slowly)
        thread.start()
        assert receive(ours) == (0, b"abcdef")
        thread.join()
