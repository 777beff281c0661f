import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit.errors import KeyFileError
from audit.keys import FileSigner, load_verifier


def test_generate_then_load_signs_alike(tmp_path):
    made = FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    loaded = FileSigner.load(tmp_path / "key", passphrase=None)
    assert loaded.verifier == made.verifier == load_verifier(tmp_path / "key.vkey")
    assert loaded.verifier.is_valid(b"message", loaded.sign(b"message"))
    assert loaded.sign(b"message") == made.sign(b"message")


def test_generate_key_file_is_for_the_owner_alone(tmp_path):
    FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_generate_over_a_key_is_refused(tmp_path):
    FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(KeyFileError):
        FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    assert (tmp_path / "key").read_bytes() == before


def test_load_key_open_to_others_is_refused(tmp_path):
    FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(KeyFileError, match="0640"):
        FileSigner.load(tmp_path / "key", passphrase=None)


def test_load_absent_key_is_refused(tmp_path):
    with pytest.raises(KeyFileError):
        FileSigner.load(tmp_path / "key", passphrase=None)


def test_load_file_that_is_no_key_is_refused(tmp_path):
    FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    (tmp_path / "key").write_text("hello")
    with pytest.raises(KeyFileError, match="PEM"):
        FileSigner.load(tmp_path / "key", passphrase=None)


def test_load_key_of_another_kind_is_refused(tmp_path):
    FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(pem)
    with pytest.raises(KeyFileError, match="Ed25519"):
        FileSigner.load(tmp_path / "key", passphrase=None)


def test_load_with_verifier_key_of_another_key_is_refused(tmp_path):
    FileSigner.generate(tmp_path / "key", name="log", passphrase=None)
    FileSigner.generate(tmp_path / "other", name="log", passphrase=None)
    (tmp_path / "other.vkey").rename(tmp_path / "key.vkey")
    with pytest.raises(KeyFileError):
        FileSigner.load(tmp_path / "key", passphrase=None)


@pytest.mark.parametrize("text", [b"", b"hello\n", b"\xff\n", b"a+b"])
def test_load_verifier_malformed_file_is_refused(tmp_path, text: bytes):
    (tmp_path / "vkey").write_bytes(text)
    with pytest.raises(KeyFileError):
        load_verifier(tmp_path / "vkey")


def test_generate_with_a_passphrase_encrypts_the_file(tmp_path):
    made = FileSigner.generate(tmp_path / "key", name="log", passphrase=b"horse")
    assert b"ENCRYPTED" in (tmp_path / "key").read_bytes()
    assert FileSigner.load(tmp_path / "key", passphrase=b"horse").verifier == made.verifier
    for passphrase in (b"battery", None):
        with pytest.raises(KeyFileError, match="passphrase"):
            FileSigner.load(tmp_path / "key", passphrase=passphrase)
