import pytest

from audit.errors import FormatError, LogMissingError
from audit.layout import encode_format, read_checkpoint_note, read_keyring, was_closed
from tests.audit.support import ORIGIN, make_log


@pytest.mark.parametrize("name", ["format", "vkey"])
def test_read_keyring_missing_file_is_no_log(tmp_path, name: str):
    make_log(tmp_path).close()
    (tmp_path / "log" / name).unlink()
    with pytest.raises(LogMissingError, match=name):
        read_keyring(tmp_path / "log")


@pytest.mark.parametrize(
    ("name", "data"), [("vkey", b"x\n"), ("format", b"x\n"), ("format", encode_format("other"))]
)
def test_read_keyring_changed_file_is_refused(tmp_path, name: str, data: bytes):
    make_log(tmp_path).close()
    (tmp_path / "log" / name).write_bytes(data)
    with pytest.raises(FormatError, match=name):
        read_keyring(tmp_path / "log")


def test_encode_format_bytes_are_fixed():
    assert encode_format(ORIGIN) == b"finsvc-audit-log/v2\nfinsvc.example/log\n"


def test_encode_format_origin_with_space_is_refused():
    with pytest.raises(FormatError):
        encode_format("a b")


def test_was_closed_follows_the_writer(tmp_path):
    log = make_log(tmp_path)
    assert not was_closed(tmp_path / "log")
    log.close()
    assert was_closed(tmp_path / "log")


def test_was_closed_mark_whose_byte_a_power_loss_took_is_a_mark(tmp_path):
    (tmp_path / "lock").write_bytes(b"\0")
    assert not was_closed(tmp_path)


def test_was_closed_other_mark_is_refused(tmp_path):
    (tmp_path / "lock").write_bytes(b"w")
    with pytest.raises(FormatError):
        was_closed(tmp_path)


def test_read_checkpoint_note_not_utf8_is_refused(tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(FormatError):
        read_checkpoint_note(tmp_path)
