"""The answer's text as it grows, with stop sequences and everything a model may get wrong."""

import pytest

from engine.harmony.parse import parse_turn
from finsvc.adapters.final_stream import FinalStream
from finsvc.services.conversation import Candidate, TextKind, TextPiece, TokenChoice
from tests.engine.harmony.small_tokenizer import small_tokenizer

T = small_tokenizer()


def ids(*parts: str) -> list[int]:
    """Token ids; parts that spell a control token are one."""
    return [
        token
        for part in parts
        for token in ([T.special_ids[part]] if part in T.special_ids else T.encode(part))
    ]


def final(text: str) -> list[int]:
    return ids("<|channel|>", "final", "<|message|>", text, "<|return|>")


def answer(piece: TextPiece, pieces: list[str]) -> None:
    if piece.kind is TextKind.ANSWER:
        pieces.append(piece.text)


def played(tokens: list[int], *, stops: tuple[str, ...] = ()) -> tuple[FinalStream, list[str]]:
    pieces: list[str] = []
    stream = FinalStream(T, stops=stops, on_text=lambda piece: answer(piece, pieces))
    for token in tokens:
        if stream.is_stopped:
            break
        stream.take(token)
    stream.finish()
    return stream, pieces


def test_stream_final_message_emits_it_piece_by_piece() -> None:
    stream, pieces = played(final("The value at risk is high."))
    assert stream.text == "The value at risk is high."
    assert len(pieces) > 3


def test_stream_reasoning_is_never_emitted() -> None:
    tokens = ids("<|channel|>", "analysis", "<|message|>", "secret", "<|end|>", "<|start|>")
    stream, _ = played([*tokens, *ids("assistant"), *final("open")])
    assert stream.text == "open"


def test_stream_tool_call_emits_nothing() -> None:
    tokens = ids(
        "<|channel|>", "commentary to=functions.price ", "<|constrain|>", "json", "<|message|>"
    )
    stream, pieces = played([*tokens, *ids("{}", "<|call|>")])
    assert (stream.text, pieces) == ("", [])


def test_stream_multibyte_character_is_emitted_whole() -> None:
    _, pieces = played(final("caf\u00e9 \u20ac5 \U0001f600"))
    assert "".join(pieces) == "caf\u00e9 \u20ac5 \U0001f600"
    assert all("\ufffd" not in piece for piece in pieces)


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("one STOP two", ("STOP",), "one "),
        ("one STO two", ("STOP",), "one STO two"),
        ("ends with ST", ("STOP",), "ends with ST"),
        ("a b c", ("c", "b"), "a "),
        ("STOP", ("STOP",), ""),
        ("xaab", ("aab",), "x"),
    ],
)
def test_stream_stop_sequence_cuts_the_text(
    text: str, stops: tuple[str, ...], expected: str
) -> None:
    stream, pieces = played(final(text), stops=stops)
    assert "".join(pieces) == expected
    assert stream.is_stopped == (expected != text)


def test_stream_control_spelling_in_text_is_left_out_as_the_parser_does() -> None:
    tokens = final("a <|end|> b <|x")
    stream, _ = played(tokens)
    assert stream.text == parse_turn(tokens, T, set()).final == "a  b <|x"


def test_stream_malformed_header_waits_for_the_parser() -> None:
    tokens = ids("<|channel|>", "final ", "<|constrain|>", "json", "<|message|>", "x", "<|return|>")
    stream, pieces = played(tokens)
    assert stream.text == (parse_turn(tokens, T, set()).final or "")
    assert len(pieces) <= 1


def test_stream_cut_off_text_is_kept() -> None:
    stream, _ = played(ids("<|channel|>", "final", "<|message|>", "half a sent"))
    assert stream.text == "half a sent"


def test_stream_second_final_does_not_follow_the_first() -> None:
    tokens = [*final("one")[:-1], *ids("<|end|>", "<|start|>", "assistant"), *final("two")]
    stream, _ = played(tokens)
    assert stream.text == "one"


def test_stream_content_positions_are_those_of_the_answer() -> None:
    tokens = final("risk")
    stream, _ = played(tokens)
    assert [tokens[i] for i in stream.content_positions] == T.encode("risk")


def test_stream_id_beyond_the_vocabulary_says_nothing() -> None:
    tokens = final("risk")
    stream, _ = played([*tokens[:4], T.vocab_size + 7, *tokens[4:]])
    assert stream.text == "risk"


CALL = ("<|channel|>", "commentary to=functions.price ", "<|constrain|>", "json", "<|message|>")


def preamble() -> list[int]:
    tokens = ids("<|channel|>", "commentary", "<|message|>", "Looking.", "<|end|>", "<|start|>")
    return [*tokens, *ids("assistant")]


def json_stream(tokens: list[int]) -> FinalStream:
    stream = FinalStream(T, stops=(), on_text=lambda _: None, tools={"price"}, is_answer_json=True)
    for token in tokens:
        stream.take(token)
    stream.finish()
    return stream


def test_stream_text_before_the_answer_is_a_line_of_its_own() -> None:
    stream, _ = played([*preamble(), *final("Done.")])
    assert stream.text == "Looking.\nDone."


def test_stream_json_answer_is_not_spoiled_by_text_before_it() -> None:
    assert json_stream([*preamble(), *final("{}")]).text == "{}"


def test_stream_json_format_shows_text_beside_a_call() -> None:
    stream = json_stream([*preamble(), *ids(*CALL, "{}", "<|call|>")])
    assert stream.text == "Looking."
    assert [call.name for call in stream.turn.calls] == ["price"]


def test_stream_reasoning_has_its_own_kind() -> None:
    pieces: list[TextPiece] = []
    stream = FinalStream(T, stops=(), on_text=pieces.append)
    for token in ids("<|channel|>", "analysis", "<|message|>", "thinking", "<|end|>"):
        stream.take(token)
    stream.finish()
    assert {piece.kind for piece in pieces} == {TextKind.REASONING}
    assert "".join(piece.text for piece in pieces) == "thinking"


def choice(token: int) -> TokenChoice:
    return TokenChoice(chosen=Candidate(data=T.token_bytes[token] or b"", logprob=-1.0), top=())


def test_choices_leave_with_the_text_of_their_tokens() -> None:
    pieces: list[TextPiece] = []
    stream = FinalStream(T, stops=("ef",), on_text=pieces.append)
    for token in final("abcde!"):
        stream.note(choice(token))
        stream.take(token)
    stream.finish()
    told = said = b""
    for piece in pieces:
        told += b"".join(item.chosen.data for item in piece.logprobs)
        said += piece.text.encode()
        # Never after its text; before it where that is held back for a stop sequence.
        assert told.startswith(said)
    assert told == said
    assert "".join(piece.text for piece in pieces) == "abcde!"


def test_choice_beyond_the_answer_is_of_no_text() -> None:
    pieces: list[TextPiece] = []
    stream = FinalStream(T, stops=(), on_text=pieces.append)
    for token in ids("<|channel|>", "analysis", "<|message|>", "hm", "<|end|>"):
        stream.note(choice(token))
        stream.take(token)
    assert [piece.logprobs for piece in pieces] == [()] * len(pieces)
