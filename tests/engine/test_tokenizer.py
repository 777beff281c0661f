import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.tokenizer import TOKENIZER_FILE, Tokenizer, TokenizerFileError, UnknownTokenError
from tests.engine.harmony.small_tokenizer import SPECIALS, small_tokenizer, small_tokenizer_json


@pytest.mark.parametrize("spelling", SPECIALS)
@pytest.mark.parametrize("form", ["{}", "a{}b", " {} ", "{0}{0}", "\n{}", "<|{}|>", "{}\u00e9"])
def test_encode_text_that_spells_a_special_token_yields_plain_tokens(
    spelling: str, form: str
) -> None:
    tokenizer = small_tokenizer()
    text = form.format(spelling)
    token_ids = tokenizer.encode(text)
    assert not any(map(tokenizer.is_special, token_ids))
    assert tokenizer.decode(token_ids) == text


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from((*SPECIALS, "<|", "|>", "a"))).map("".join))
def test_encode_then_decode_returns_any_text_without_special_ids(text: str) -> None:
    tokenizer = small_tokenizer()
    token_ids = tokenizer.encode(text)
    assert tokenizer.decode(token_ids) == text
    assert tokenizer.decode_bytes(token_ids) == text.encode()
    assert not any(map(tokenizer.is_special, token_ids))
    assert tokenizer.encode(text) == token_ids
    assert tokenizer.encode_batch([text, text]) == [token_ids, token_ids]


def test_encode_lone_surrogate_reads_as_replacement_character() -> None:
    tokenizer = small_tokenizer()
    assert tokenizer.decode(tokenizer.encode("a\ud800b\udfff")) == "a\ufffdb\ufffd"


def test_encode_result_may_be_changed_without_harm_to_later_ones() -> None:
    tokenizer = small_tokenizer()
    first = tokenizer.encode("assistant")
    tokenizer.encode("assistant").append(7)
    assert tokenizer.encode("assistant") == first


def test_decode_spells_special_tokens_or_leaves_them_out() -> None:
    tokenizer = small_tokenizer()
    token_ids = [tokenizer.special_id("<|start|>"), *tokenizer.encode("user")]
    assert tokenizer.decode(token_ids) == "<|start|>user"
    assert tokenizer.decode(token_ids, with_special=False) == "user"


def test_decode_half_a_character_reads_as_replacement_character() -> None:
    tokenizer = small_tokenizer()
    half = tokenizer.encode("\u00e9")[:1]
    assert tokenizer.decode(half) == "\ufffd"
    assert tokenizer.decode_bytes(half) == "\u00e9".encode()[:1]


@pytest.mark.parametrize("token_id", [-1, 10**6])
def test_decode_unknown_id_is_refused(token_id: int) -> None:
    with pytest.raises(UnknownTokenError, match=f"got id {token_id}"):
        small_tokenizer().decode([token_id])


@pytest.mark.parametrize("name", ["", "assistant", "<|start|", "<|refusal|>"])
def test_special_id_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownTokenError, match="special token"):
        small_tokenizer().special_id(name)


def test_from_folder_reads_the_file_and_its_digest(tmp_path: Path) -> None:
    data = small_tokenizer_json().encode()
    (tmp_path / TOKENIZER_FILE).write_bytes(data)
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.digest == hashlib.sha256(data).hexdigest()
    assert tokenizer.json == small_tokenizer_json()
    assert tokenizer.vocab_size == small_tokenizer().vocab_size
    assert tokenizer.special_ids == {name: i for i, name in enumerate(SPECIALS)}


def test_from_folder_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerFileError, match="expected a readable file") as caught:
        Tokenizer.from_folder(tmp_path)
    assert isinstance(caught.value, EngineError)
    assert caught.value.path == str(tmp_path / TOKENIZER_FILE)


def _truncated() -> bytes:
    return small_tokenizer_json().encode()[:-100]


def _with_plain_added_token() -> bytes:
    data = json.loads(small_tokenizer_json())
    data["added_tokens"][0]["special"] = False
    return json.dumps(data).encode()


def _with_a_merge_that_spells_a_special() -> bytes:
    data = json.loads(small_tokenizer_json())
    data["pre_tokenizer"] = None
    data["model"]["ignore_merges"] = True
    return json.dumps(data).encode()


def _with_words_that_are_not_bytes() -> bytes:
    data = json.loads(small_tokenizer_json())
    data["model"]["vocab"]["\u4f60"] = len(data["model"]["vocab"])
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a tokenizer"),
        (b"{}", "expected a tokenizer"),
        (b"\xff\xfe", "expected a tokenizer"),
        (_truncated(), "expected a tokenizer"),
        (_with_plain_added_token(), "expected special, got plain"),
        (_with_a_merge_that_spells_a_special(), "expected plain tokens"),
        (_with_words_that_are_not_bytes(), "expected byte-level tokens"),
    ],
    ids=["empty", "no_model", "not_utf8", "truncated", "plain_added", "leaking", "not_bytes"],
)
def test_file_that_cannot_be_trusted_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(TokenizerFileError, match=message):
        Tokenizer(data)
