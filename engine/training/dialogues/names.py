"""Invented names of every shape, so that copying is learned and not the names.

A third of the words are built from random pieces of the shipped tokenizer's vocabulary (when
its file exists), so that every piece is copied hundreds of times in training; the others come
from a letter-trigram model of real words, syllables, random letters and real words. Names hold
no double quote, no backslash and never the word "and", which joins two names in a question.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeVar

from engine.training.dialogues import words
from engine.training.dialogues.grammar import worded

_T = TypeVar("_T")
_TOKENIZER = Path(__file__).parents[2] / "embedded" / "tokenizer.json"
_CONSONANTS = worded(
    "b c d f g h j k l m n p q r s t v w x z br ch cl cr dr fl gr kn pl pr sc sh sk st th tr wh"
)
_VOWELS = worded("a e i o u a e i o ai ea ee ie oa oo ou y")
_CODAS = ["", "", "", *worded("n r s l t m k d x ck ld nd nk nt rd rk rn st th")]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ACCENTED = "áàâäãåæçéèêëíîïñóòôöõøßúùûüýžščřłąęğışőű"
_FUNCTION_WORDS = frozenset(worded("and or of the to from in on at by for with is vs a an"))


def pick(rng: Random, options: Sequence[_T]) -> _T:
    """A uniformly drawn element; about twice as fast as `Random.choice`."""
    return options[int(rng.random() * len(options))]


@cache
def _byte_of_char() -> dict[str, int]:
    """The printable stand-ins of byte-level BPE vocabularies, mapped back to bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(byte): byte for byte in printable}
    rest = (byte for byte in range(256) if byte not in printable)
    table.update({chr(256 + idx): byte for idx, byte in enumerate(rest)})
    return table


@cache
def _pieces() -> tuple[str, ...]:
    """Letter pieces of the shipped vocabulary; empty without a tokenizer file."""
    if not _TOKENIZER.is_file():
        return ()
    vocabulary = json.loads(_TOKENIZER.read_text(encoding="utf-8"))["model"]["vocab"]
    table = _byte_of_char()
    found: list[str] = []
    for piece in vocabulary:
        if all(char in table for char in piece):
            text = bytes(table[char] for char in piece).decode("utf-8", "replace").strip()
            if text.isalpha():
                found.append(text)
    return tuple(sorted(set(found)))


@cache
def _trigrams() -> dict[str, tuple[str, ...]]:
    """Letters that follow two letters in real words; `$` ends a word."""
    follow: dict[str, list[str]] = {}
    sources = (*words.NOUNS, *words.SURNAMES, *words.PLACES, *"".join(words.COMPANIES).split())
    for word in sources:
        letters = "".join(char for char in word.lower() if char.isalpha())
        padded = f"^^{letters}$"
        for idx in range(len(padded) - 2):
            follow.setdefault(padded[idx : idx + 2], []).append(padded[idx + 2])
    return {key: tuple(value) for key, value in follow.items()}


def _trigram_word(rng: Random) -> str:
    table = _trigrams()
    for _ in range(8):
        text = "^^"
        while len(text) < 14:
            char = pick(rng, table[text[-2:]])
            if char == "$":
                break
            text += char
        if len(text) >= 5:
            return text[2:]
    return text[2:] or "orla"


def _syllable_word(rng: Random) -> str:
    count = 1 + int(rng.random() * 3)
    body = "".join(pick(rng, _CONSONANTS) + pick(rng, _VOWELS) for _ in range(count))
    return body + pick(rng, _CODAS)


def _letters_word(rng: Random) -> str:
    alphabet = _LETTERS if rng.random() < 0.9 else _LETTERS + _ACCENTED
    return "".join(pick(rng, alphabet) for _ in range(2 + int(rng.random() * 7)))


def _piece_word(rng: Random) -> str:
    pieces = _pieces()
    if not pieces:
        return _syllable_word(rng)
    return "".join(pick(rng, pieces) for _ in range(1 + int(rng.random() * 3)))


def _real_word(rng: Random) -> str:
    value = rng.random()
    if value < 0.45:
        return pick(rng, words.NOUNS)
    if value < 0.6:
        return pick(rng, words.SURNAMES)
    if value < 0.72:
        return pick(rng, words.PLACES)
    if value < 0.86:
        return pick(rng, words.NOUNS) + pick(rng, words.NOUNS)
    return pick(rng, words.BOOK_WORDS)


def plain_word(rng: Random) -> str:
    """One word of letters in no particular case."""
    value = rng.random()
    if value < 0.34:
        return _piece_word(rng)
    if value < 0.58:
        return _trigram_word(rng)
    if value < 0.65:
        return _syllable_word(rng)
    if value < 0.71:
        return _letters_word(rng)
    return _real_word(rng)


def cased_word(rng: Random) -> str:
    """One word, mostly capitalised, else as it comes, lower, upper or inner capitals.

    A fifth are vocabulary pieces in their own case, since another case has other pieces.
    """
    if rng.random() < 0.2:
        word = _piece_word(rng)
        return _trigram_word(rng) if word.lower() in _FUNCTION_WORDS else word
    word = plain_word(rng)
    if word.lower() in _FUNCTION_WORDS:
        word = _trigram_word(rng)
    value = rng.random()
    if value < 0.58:
        return word[:1].upper() + word[1:]
    if value < 0.72:
        return word
    if value < 0.84:
        return word.lower()
    if value < 0.93:
        return word.upper() if len(word) < 9 else word.title()
    return word[:1].upper() + word[1:] + pick(rng, words.NOUNS).title()


def _digits(rng: Random, longest: int = 4) -> str:
    count = 1 + int(rng.random() * longest)
    return "".join(pick(rng, "0123456789") for _ in range(count))


def _upper(rng: Random, longest: int = 4) -> str:
    count = 1 + int(rng.random() * longest)
    return "".join(pick(rng, _LETTERS) for _ in range(count)).upper()


def code(rng: Random) -> str:
    """A code such as `DX-104`, `desk-A_12`, `fx.em-3`, `B7`, `A&R-2`."""
    separator = pick(rng, ("-", "-", "_", "_", ".", "/", "", "&"))
    value = rng.random()
    if value < 0.3:
        return _upper(rng) + separator + _digits(rng)
    if value < 0.45:
        return plain_word(rng).lower() + (separator or "-") + _digits(rng)
    if value < 0.6:
        return plain_word(rng).lower() + (separator or "_") + plain_word(rng).lower()
    if value < 0.75:
        return f"{plain_word(rng).lower()}-{_upper(rng, 2)}_{_digits(rng, 2)}"
    if value < 0.85:
        return f"{_upper(rng, 3)}{separator}{_upper(rng, 3)}{separator}{_digits(rng)}"
    if value < 0.93:
        return _digits(rng, 6)
    return _upper(rng, 2) + _digits(rng, 2) + _upper(rng, 2)


def name(rng: Random) -> str:
    """An invented name of one to five words or a code."""
    value = rng.random()
    if value < 0.4:
        return cased_word(rng)
    if value < 0.56:
        return f"{cased_word(rng)} {cased_word(rng)}"
    if value < 0.64:
        return f"{pick(rng, words.BOOK_WORDS)} {pick(rng, words.BOOK_WORDS)}"
    if value < 0.7:
        return f"{cased_word(rng)} {pick(rng, words.BOOK_WORDS)}"
    if value < 0.82:
        return code(rng)
    if value < 0.87:
        return f"{cased_word(rng)} {_digits(rng)}"
    if value < 0.9:
        return pick(rng, words.COLLIDING_NAMES)
    if value < 0.93:
        return f"{cased_word(rng)} & {cased_word(rng)}"
    if value < 0.95:
        return f"{cased_word(rng)}'s {pick(rng, words.NOUNS)}"
    if value < 0.97:
        return f"{cased_word(rng)}-{cased_word(rng)}"
    count = 3 + int(rng.random() * 3)
    return " ".join(cased_word(rng) for _ in range(count))


def company(rng: Random) -> str:
    """A listed company that the service may not know."""
    value = rng.random()
    if value < 0.3:
        return pick(rng, words.COMPANIES)
    if value < 0.6:
        return cased_word(rng)
    if value < 0.75:
        return f"{cased_word(rng)} {pick(rng, words.COMPANY_ENDINGS)}"
    if value < 0.83:
        return f"{cased_word(rng)} {cased_word(rng)}"
    if value < 0.88:
        return f"{pick(rng, words.SURNAMES)} & {pick(rng, words.SURNAMES)}"
    return name(rng)


def ticker(rng: Random) -> str:
    """A ticker such as `QXT`, `VOD.L`, `BRK.B` or `0700.HK`."""
    value = rng.random()
    if value < 0.75:
        return "".join(pick(rng, _LETTERS) for _ in range(2 + int(rng.random() * 4))).upper()
    suffix = pick(
        rng, ("L", "DE", "PA", "SW", "MI", "AS", "HK", "T", "A", "B", "TO", "AX", "N", "OQ")
    )
    base = _digits(rng) if value > 0.95 else _upper(rng, 4)
    return f"{base}.{suffix}"


def person(rng: Random) -> str:
    """A surname, sometimes with a first name or initial."""
    surname = pick(rng, words.SURNAMES) if rng.random() < 0.6 else cased_word(rng)
    value = rng.random()
    if value < 0.5:
        return surname
    first = pick(rng, words.NOUNS).title() if value < 0.6 else _trigram_word(rng).title()
    return f"{first} {surname}"


def place(rng: Random) -> str:
    """A city, country or region."""
    return pick(rng, words.PLACES) if rng.random() < 0.7 else cased_word(rng)
