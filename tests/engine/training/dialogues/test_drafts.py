from random import Random

from engine.training.dialogues.drafts import (
    Draft,
    Segment,
    around,
    fill,
    lower_first,
    split_slot,
)
from engine.training.dialogues.grammar import Piece, expand


def _filled(template: str, seed: int) -> Draft:
    rng = Random(seed)
    return Draft(fill(expand(template, rng), rng))


def test_split_slot_reads_number_and_kind() -> None:
    assert split_slot("portfolio") == ("portfolio", "portfolio", "portfolio")
    assert split_slot("horizon_2:adj") == ("horizon_2", "horizon", "adjective")
    assert split_slot("window:adj") == ("window", "window", "stretch")


def test_fill_noun_behind_the_slot_belongs_to_the_span() -> None:
    for seed in range(30):
        draft = _filled("VaR of the {portfolio} book?", seed)
        assert draft.spans()["portfolio"].endswith(" book")
        assert draft.text().startswith("VaR of the ")
        assert draft.text().endswith(" book?")


def test_fill_noun_in_front_of_the_slot_stays_out() -> None:
    for seed in range(30):
        span = _filled("VaR of book {portfolio}.", seed).spans()["portfolio"]
        assert not span.startswith(("the ", "book "))


def test_fill_article_is_never_part_of_a_span() -> None:
    for seed in range(200):
        span = _filled("VaR of {portfolio}", seed).spans()["portfolio"]
        assert not span.startswith(("the ", "our ", "my "))


def test_fill_period_alone_is_one_span() -> None:
    for seed in range(50):
        draft = _filled("P&L of the sample book over {start:period}", seed)
        assert set(draft.spans()) == {"start"}


def test_fill_two_slots_get_different_values() -> None:
    for seed in range(100):
        spans = _filled("corr of {first} and {second}", seed).spans()
        assert spans["first"] != spans["second"]


def test_around_puts_the_noun_in_place() -> None:
    inner = [Piece("the VaR of "), Piece("", "portfolio")]
    pieces = around([Piece("what is @?")], inner, Random(1))
    assert "".join(piece.text or "X" for piece in pieces) == "what is the VaR of X?"


def test_lower_first_keeps_acronyms() -> None:
    assert lower_first([Piece("What is")]) == [Piece("what is")]
    assert lower_first([Piece("ES of")]) == [Piece("ES of")]
    assert lower_first([Piece("I need")]) == [Piece("I need")]


def test_spans_come_from_keyed_segments_only() -> None:
    draft = Draft([Segment("VaR of "), Segment("Pelican", "portfolio")])
    assert draft.text() == "VaR of Pelican"
    assert draft.spans() == {"portfolio": "Pelican"}


def test_fill_span_next_to_letters_is_set_off_by_a_space() -> None:
    for seed in range(300):
        draft = _filled("VaR{method}s", seed)
        assert draft.text() == f"VaR {draft.spans()['method']} s"
