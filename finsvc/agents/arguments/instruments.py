"""Instruments by ticker, name or alias."""

import re

from finsvc.agents.arguments.spans import Parsed, read_span
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.identifiers import InstrumentId
from finsvc.marketdata.instruments import INSTRUMENTS

_NAMES = {
    name.lower(): entry.ticker
    for entry in INSTRUMENTS
    for name in (entry.ticker, entry.name, *entry.aliases)
}
_LEAD = re.compile(r"^(?:(?:ticker|stock|share|shares of|shares in|stock of|company|name) )?")
_TAIL = re.compile(
    r"(?:'s)? (?:common stock|stock|stocks|shares|share|equity|ordinary shares|units?)$|'s$"
)
_FORM = re.compile(r",? (?:inc|corp|corporation|co|company|plc|ltd|group)\.?$")


def find_instrument(text: str) -> InstrumentId | None:
    """Ticker of an instrument by any of its names in lower case; None if unknown."""
    body = text.removeprefix("the ")
    for candidate in (text, body, _TAIL.sub("", _LEAD.sub("", body))):
        for name in (candidate, _FORM.sub("", candidate), candidate.replace(".", "")):
            found = _NAMES.get(name.strip())
            if found is not None:
                return found
    return None


def parse_instrument(text: str, *, field: str = "instrument") -> Parsed[InstrumentId]:
    """Read an instrument: "AAPL", "Apple", "Apple Inc.", "Coke", "the S&P 500", "KO shares".

    Raises:
        UnknownNameError: the data hold no such instrument.
        InputError: the span is empty or malformed.
    """
    span = read_span(text, field=field, expected="an instrument such as AAPL")
    found = find_instrument(span.text)
    if found is None:
        raise UnknownNameError(
            field=field,
            kind="instrument",
            actual=span.written,
            known=[entry.ticker for entry in INSTRUMENTS],
        )
    return Parsed(value=found)
