"""Canonical JSON (RFC 8785, JCS) out, strict I-JSON (RFC 7493) in, and strict base64.

Money and 64-bit numbers travel as strings: JCS numbers are IEEE 754 doubles, and integers beyond
2**53 - 1, NaN and infinities are refused.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias

import rfc8785

from audit.errors import FormatError, RecordError

JsonValue: TypeAlias = (
    bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
)
JsonObject: TypeAlias = Mapping[str, JsonValue]


# The standard encoder in C, ten times as fast, gives the same bytes where nothing but texts, small
# integers, booleans and null occurs; numbers with a fraction are for the other one.
_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_SCALARS = frozenset((str, int, bool, type(None)))
_LONG_NUMBER = re.compile(r"(?:^|[\[,:])-?[0-9]{16}")


def canonical_bytes(value: JsonValue, *, field: str = "predicate") -> bytes:
    """Serialise a JSON value as RFC 8785 does.

    Raises:
        RecordError: The value is not I-JSON (NaN, a large integer, a lone surrogate, another type).
    """
    try:
        if _is_plain(value):
            text = _encoder.encode(value)
            # Only the order of names beyond the surrogates, and large integers, can differ.
            if (text.isascii() or max(text) < "\ud800") and not _LONG_NUMBER.search(text):
                return text.encode()
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise RecordError(field, expected="I-JSON (RFC 7493)", actual=str(error)) from error


def parse_json(data: bytes, *, field: str) -> JsonValue:
    """Parse JSON strictly: UTF-8, no repeated name, no NaN or infinity.

    Raises:
        FormatError: The bytes are not such JSON.
    """
    try:
        value: JsonValue = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise FormatError(field, expected="strict JSON", actual=str(error)) from error
    return value


def parse_json_object(data: bytes, *, field: str) -> dict[str, JsonValue]:
    """Parse JSON strictly and require an object."""
    value = parse_json(data, field=field)
    if not isinstance(value, dict):
        raise FormatError(field, expected="a JSON object", actual=type(value).__name__)
    return value


def text_field(value: JsonObject, name: str, *, field: str) -> str:
    """Return a string member of an object."""
    text = value.get(name)
    if not isinstance(text, str):
        raise FormatError(f"{field}.{name}", expected="a string", actual=type(text).__name__)
    return text


def count_field(value: JsonObject, name: str, *, field: str) -> int:
    """Return a member that is a whole number from 0 on."""
    number = value.get(name)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise FormatError(f"{field}.{name}", expected="an integer from 0", actual=repr(number))
    return number


def parse_count(text: str, *, field: str) -> int:
    """Parse a decimal number as C2SP writes it: ASCII digits, no sign, no leading zero.

    Raises:
        FormatError: The text is written otherwise or has more than 19 digits.
    """
    is_plain = text.isascii() and text.isdigit() and len(text) <= 19
    if not is_plain or (text[0] == "0" and text != "0"):
        raise FormatError(field, expected="a decimal without leading zero", actual=repr(text))
    return int(text)


def parse_base64(text: str, *, field: str) -> bytes:
    """Decode standard base64 and accept only its one canonical spelling.

    Otherwise the unused bits of the last character could be changed unseen.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise FormatError(field, expected="standard base64", actual=str(error)) from error
    if base64.b64encode(data).decode("ascii") != text:
        raise FormatError(field, expected="canonical base64", actual=repr(text))
    return data


def encode_base64(data: bytes) -> str:
    """Encode standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def _is_plain(value: JsonValue) -> bool:
    """Say whether a value holds only texts, integers, booleans, null, and such by name."""
    if isinstance(value, dict):
        items: Sequence[JsonValue] = list(value.values())
        if not set(map(type, value)) <= {str}:
            return False
    elif isinstance(value, list | tuple):
        items = value
    else:
        return type(value) in _SCALARS
    if set(map(type, items)) <= _SCALARS:
        return True
    return all(map(_is_plain, items))


def _object_without_repeats(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is repeated in an object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
