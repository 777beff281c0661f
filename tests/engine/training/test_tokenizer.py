"""The shipped tokenizer: nothing is lost, and copying is repeating ids."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokenizer import Tokenizer
from engine.training import tokenizer as building
from engine.training.dialogues import row
from engine.training.tokens import SPECIAL_TOKENS
from tests.engine.training.factories import EMBEDDED

SHIPPED = Tokenizer.from_folder(EMBEDDED)


@given(st.text())
def test_any_text_survives_encoding(text: str) -> None:
    ids = SHIPPED.encode(text)
    assert SHIPPED.decode(ids) == text
    assert not set(ids) & set(SHIPPED.special_ids.values())


def test_vocabulary_fills_the_model_and_holds_the_special_tokens() -> None:
    assert SHIPPED.vocab_size == building.VOCAB_SIZE
    assert set(SPECIAL_TOKENS) <= set(SHIPPED.special_ids)


def _is_run(part: list[int], whole: list[int]) -> bool:
    starts = range(len(whole) - len(part) + 1)
    return any(whole[start : start + len(part)] == part for start in starts)


def test_arguments_have_the_pieces_they_have_in_the_question() -> None:
    num = 0
    for idx in range(25):
        for dialogue in row(1, idx).dialogues:
            question = SHIPPED.encode(dialogue.user)
            for step in dialogue.steps:
                for _, value in step.arguments:
                    quoted = SHIPPED.encode('{"x":"' + value + '"}')
                    assert _is_run(quoted[3:-1], question), (value, dialogue.user)
                    num += 1
    assert num > 500


@pytest.mark.parametrize("name", ["Pelican", "Commerzbank", "Northbank", "KR.AX", "x", "10,000"])
def test_names_have_the_same_pieces_wherever_they_stand(name: str) -> None:
    alone = SHIPPED.encode(name)
    frames = ("{}", "VaR of {} now", '{{"portfolio":"{}","by":"x"}}', "({})", "\nBook: {}\n")
    for frame in frames:
        assert _is_run(alone, SHIPPED.encode(frame.format(name))), frame


def test_digits_are_single_and_structure_is_whole() -> None:
    assert [SHIPPED.decode([i]) for i in SHIPPED.encode("2,500.75%")] == list("2,500.75%")
    for text in building.STRUCTURE:
        assert len(SHIPPED.encode(text)) == 1, text


def test_building_twice_gives_the_same_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "words.tsv"
    words.write_text("value\t900\nrisk\t700\npelican\t3\n", encoding="utf-8")
    shipped = tmp_path / "shipped.json"
    monkeypatch.setattr(building, "_SHIPPED_FILE", shipped)
    arguments = ["tokenizer", str(tmp_path / "new"), "--words", str(words), "--rows", "3"]
    monkeypatch.setattr("sys.argv", arguments)
    texts = []
    for _ in range(2):
        shipped.write_text("{}", encoding="utf-8")
        building.main()
        assert not shipped.exists()
        texts.append((tmp_path / "new" / "tokenizer.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["model"]["type"] == "BPE"
    assert Tokenizer.from_folder(tmp_path / "new").decode(SHIPPED.encode("")) == ""
