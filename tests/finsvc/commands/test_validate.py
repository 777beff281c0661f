import json
from pathlib import Path

import pytest

from finsvc import cli

CLOSE = {"calculator": "close", "inputs": {"instrument": "AAPL", "as_of": "2022-12-28"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize(
    ("document", "code", "says"),
    [
        ({"text": "Apple closed at 125.67 USD.", "results": [CLOSE]}, 0, "verified"),
        ({"text": "Apple closed at 126.67 USD, twice.", "results": [CLOSE]}, 3, "twice"),
        ({"text": 5}, 2, "text: expected a text"),
        ({"text": "x", "results": [5]}, 2, "results: expected a list of objects"),
    ],
)
def test_text_of_a_file_is_judged(
    document: object,
    code: int,
    says: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(folder))
    file = folder / "said.json"
    file.write_text(json.dumps(document))
    assert cli.run(["validate", str(file)]) == code
    printed = capsys.readouterr()
    assert says in printed.out + printed.err
    assert cli.run(["validate", str(file), "--json"]) == code
    assert json.loads(capsys.readouterr().out)
