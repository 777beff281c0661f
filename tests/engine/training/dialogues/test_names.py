from random import Random

from engine.training.dialogues import names, words


def test_names_many_are_nearly_all_different() -> None:
    rng = Random(1)
    drawn = [names.name(rng) for _ in range(5000)]
    assert len(set(drawn)) > 4500


def test_names_hold_nothing_that_json_escapes_or_that_joins_names() -> None:
    rng = Random(2)
    for _ in range(5000):
        name = names.name(rng)
        assert '"' not in name
        assert "\\" not in name
        assert " and " not in name
        assert name == name.strip()
        assert name


def test_plain_words_reach_beyond_the_word_lists() -> None:
    rng = Random(3)
    known = {*words.NOUNS, *words.SURNAMES, *words.PLACES, *words.BOOK_WORDS}
    drawn = [names.plain_word(rng) for _ in range(3000)]
    assert sum(word not in known for word in drawn) > 2000


def test_code_shapes_vary() -> None:
    rng = Random(4)
    drawn = [names.code(rng) for _ in range(500)]
    assert any("-" in code for code in drawn)
    assert any("_" in code for code in drawn)
    assert any(code.isdigit() for code in drawn)
