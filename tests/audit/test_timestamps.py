import io
import subprocess
import urllib.error
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from audit.errors import TimeStampError
from audit.timestamps import HttpAuthority, stamp_checkpoint, stamp_path, verify_stamp
from audit.verify import verify_directory
from tests.audit.support import make_log
from tests.data import test_data

CONFIG = """
[ req ]
distinguished_name = dn
prompt = no
[ dn ]
CN = {name}
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[ tsa ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ tsa_config ]
default_tsa = tsa_default
[ tsa_default ]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class OpensslAuthority:
    """A real authority: `openssl ts` with a certificate of its own CA."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        for name in ("ca", "tsa"):
            (folder / f"{name}.cnf").write_text(CONFIG.format(name=f"Test {name}", folder=folder))
            self._run(
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-out",
                f"{name}.key",
            )
        self._run(
            "req",
            "-new",
            "-x509",
            "-config",
            "ca.cnf",
            "-extensions",
            "ca",
            "-key",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "2",
        )
        self._run("req", "-new", "-config", "tsa.cnf", "-key", "tsa.key", "-out", "tsa.csr")
        self._run(
            "x509",
            "-req",
            "-in",
            "tsa.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "tsa.cnf",
            "-extensions",
            "tsa",
            "-days",
            "2",
            "-out",
            "tsa.pem",
        )
        self.root = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())

    def reply(self, request: bytes) -> bytes:
        (self.folder / "query").write_bytes(request)
        self._run(
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-section",
            "tsa_default",
            "-queryfile",
            "query",
            "-signer",
            "tsa.pem",
            "-inkey",
            "tsa.key",
            "-out",
            "reply",
        )
        return (self.folder / "reply").read_bytes()

    def _run(self, *arguments: str) -> None:
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)  # noqa: S603


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> OpensslAuthority:
    return OpensslAuthority(tmp_path_factory.mktemp("tsa") / "tsa")


def test_stamp_of_a_checkpoint_verifies_and_is_kept(tmp_path, authority):
    with make_log(tmp_path, num_records=3) as log:
        time = stamp_checkpoint(log.directory, log.checkpoint(), authority, roots=[authority.root])
        note, path = log.checkpoint(), stamp_path(log.directory, 3)
    assert abs(time - datetime.now(UTC)) < timedelta(minutes=1)
    assert path.read_text() == note
    reply = path.with_suffix(".tsr").read_bytes()
    assert verify_stamp(note.encode(), reply, roots=[authority.root]) == time
    with pytest.raises(TimeStampError, match="Mismatch"):
        verify_stamp(note.encode() + b"x", reply, roots=[authority.root])
    report = verify_directory(tmp_path / "log")
    assert report.ok, report.problems


def test_stamped_checkpoint_of_another_history_is_found(tmp_path, authority):
    with make_log(tmp_path, num_records=1) as log:
        stamp_checkpoint(log.directory, log.checkpoint(), authority, roots=[authority.root])
    (tmp_path / "other").mkdir()
    with make_log(tmp_path / "other") as other:
        other.append_many([])
    stamp = stamp_path(tmp_path / "log", 1)
    stamp.write_text(stamp.read_text().replace("1\n", "9\n", 1))
    assert not verify_directory(tmp_path / "log").ok


def test_stamp_by_an_unknown_authority_is_refused(tmp_path, authority):
    other = OpensslAuthority(tmp_path / "other")
    with make_log(tmp_path, num_records=1) as log:
        with pytest.raises(TimeStampError):
            stamp_checkpoint(log.directory, log.checkpoint(), authority, roots=[other.root])
        assert not stamp_path(log.directory, 1).exists()


def test_stamp_replayed_from_before_is_refused(tmp_path, authority):
    class Parrot:
        def __init__(self, reply: bytes) -> None:
            self._reply = reply

        def reply(self, request: bytes) -> bytes:
            return self._reply

    with make_log(tmp_path, num_records=1) as log:
        stamp_checkpoint(log.directory, log.checkpoint(), authority, roots=[authority.root])
        old = stamp_path(log.directory, 1).with_suffix(".tsr").read_bytes()
        for reply in (old, b"nonsense"):
            with pytest.raises(TimeStampError):
                stamp_checkpoint(
                    log.directory, log.checkpoint(), Parrot(reply), roots=[authority.root]
                )


def test_public_replies_of_another_message_are_refused():
    folder = test_data("audit/rfc3161")
    replies = sorted(folder.rglob("*.tsr"))
    assert replies
    for path in replies:
        with pytest.raises(TimeStampError):
            verify_stamp(b"another message", path.read_bytes(), roots=[])


def test_http_authority_sends_the_query_and_reads_the_reply(monkeypatch):
    seen = []

    def urlopen(query, timeout: float):
        seen.append((query.full_url, query.data, query.headers))
        return io.BytesIO(b"reply")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    assert HttpAuthority("http://tsa.example/").reply(b"query") == b"reply"
    headers = {"Content-type": "application/timestamp-query"}
    assert seen == [("http://tsa.example/", b"query", headers)]


def test_http_authority_that_does_not_answer_is_an_error(monkeypatch):
    def urlopen(query, timeout: float):
        raise urllib.error.URLError("refused")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(TimeStampError, match="refused"):
        HttpAuthority("https://tsa.example/").reply(b"query")


def test_http_authority_with_another_scheme_is_refused():
    with pytest.raises(TimeStampError):
        HttpAuthority("file:///etc/passwd")
