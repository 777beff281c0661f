"""What a process is made of."""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from finsvc.adapters.audit import AuditLog, build_id
from finsvc.adapters.build import read_build, tree_digest
from finsvc.services.ports import RecordKind
from finsvc.settings import Settings


def test_build_of_same_code_and_settings_is_the_same_in_any_folder(tmp_path: Path) -> None:
    first, second = (read_build(Settings(data_dir=tmp_path / name)) for name in ("a", "b"))
    assert first == second
    assert first.digest == second.digest


def test_build_of_other_settings_has_another_digest() -> None:
    first, second = (read_build(Settings(threads=threads)) for threads in (1, 2))
    assert first.settings != second.settings
    assert first.digest != second.digest
    assert first.sbom_digest == second.sbom_digest


def test_build_lists_every_installed_package() -> None:
    packages = {item["name"]: item["version"] for item in read_build(Settings()).packages}
    for name in ("cryptography", "numpy", "torch", "cedarpy"):
        assert packages[name] == metadata.version(name)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "one.py").write_text("2"),
        lambda folder: (folder / "one.py").rename(folder / "other.py"),
        lambda folder: (folder / "below" / "two.cedar").unlink(),
    ],
)
def test_tree_digest_changes_with_any_source(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "one.py").write_text("1")
    (tmp_path / "below" / "two.cedar").write_text("permit;")
    before = tree_digest(tmp_path)
    (tmp_path / "one.pyc").write_text("derived")
    assert tree_digest(tmp_path) == before
    change(tmp_path)
    assert tree_digest(tmp_path) != before


def test_log_holds_a_build_once_and_every_record_names_it(tmp_path: Path) -> None:
    build = read_build(Settings())
    for number in range(2):
        log = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem", build=build)
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes"})
        log.close()
    log = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem")
    records = list(log.records())
    log.close()
    assert [record.kind.value for record in records] == ["build", "decision", "decision"]
    assert records[0].record_id == build_id(build.digest)
    assert records[0].body["packages"] == [dict(item) for item in build.packages]
    assert {record.body["build"] for record in records[1:]} == {build.digest}


def test_log_whose_build_cannot_be_recorded_is_closed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "append", refuse)
        with pytest.raises(OSError, match="no space"):
            AuditLog.open(
                tmp_path / "log", tmp_path / "keys" / "log.pem", build=read_build(Settings())
            )
    AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem").close()
