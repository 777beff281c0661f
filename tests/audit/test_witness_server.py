import io
import threading
from pathlib import Path

import pytest

from audit.cosignature import verify_cosignatures
from audit.witness import REQUEST_BYTES_MAX
from audit.witness_client import ask_over_http, have_cosigned
from audit.witness_server import WitnessHandler, WitnessServer
from tests.audit.support import make_log
from tests.audit.test_cosignature import ED25519
from tests.audit.test_witness import make_witness, request


class Connection:
    """A socket's ends, without a socket."""

    def __init__(self, sent: bytes) -> None:
        self._sent = io.BytesIO(sent)
        self.answer = b""

    def makefile(self, *_: object) -> io.BytesIO:
        return self._sent

    def sendall(self, data: bytes) -> None:
        self.answer += data

    def settimeout(self, _: float) -> None:
        pass


class Server:
    def __init__(self, witness: object) -> None:
        self.witness = witness


def post(witness: object, body: bytes, *, path: str = "/add-checkpoint", length: object = None):
    length = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()
    connection = Connection(head + body)
    WitnessHandler(connection, ("127.0.0.1", 1), Server(witness))
    return connection.answer


def test_server_answers_with_cosignatures_and_conflicts_with_the_size(tmp_path: Path):
    witness = make_witness(tmp_path)
    answer = post(witness, request(0, 3).text.encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert "— witness.example/w1 ".encode() in answer
    answer = post(witness, request(0, 3).text.encode())
    assert answer.startswith(b"HTTP/1.1 409 ")
    assert b"text/x.tlog.size" in answer
    assert answer.endswith(b"\r\n\r\n3\n")


@pytest.mark.parametrize("length", ["", "-1", "x", str(REQUEST_BYTES_MAX + 1), "9" * 400])
def test_server_unbounded_body_is_refused(tmp_path: Path, length: str):
    assert b" 413 " in post(make_witness(tmp_path), b"", length=length)


def test_server_other_path_is_not_found(tmp_path: Path):
    assert b" 404 " in post(make_witness(tmp_path), b"x", path="/")


def test_server_damaged_state_is_an_error_of_its_own(tmp_path: Path):
    witness = make_witness(tmp_path)
    post(witness, request(0, 3).text.encode())
    (path,) = (tmp_path / "witness").glob("*.checkpoint")
    path.write_bytes(b"")
    answer = post(witness, request(3, 4).text.encode())
    assert b" 500 " in answer
    assert answer.endswith(b"audit_witness_state\n")


def test_server_binds_its_handler(tmp_path: Path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "http.server.ThreadingHTTPServer.__init__", lambda _, *given: seen.extend(given)
    )
    server = WitnessServer(("127.0.0.1", 0), make_witness(tmp_path))
    assert seen == [("127.0.0.1", 0), WitnessHandler]
    assert server.witness.latest("nobody") is None


@pytest.mark.e2e
def test_log_is_cosigned_over_http(tmp_path: Path):
    witness = make_witness(tmp_path)
    with WitnessServer(("127.0.0.1", 0), witness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with make_log(tmp_path, num_records=4) as log:
            ask = ask_over_http(f"http://127.0.0.1:{server.server_port}")
            keys = [ED25519.verifier]
            note = have_cosigned(log, ask, old_size=0, witnesses=keys)
            assert len(verify_cosignatures(note, keys)) == 1
            assert have_cosigned(log, ask, old_size=0, witnesses=keys)
        server.shutdown()
        thread.join()
