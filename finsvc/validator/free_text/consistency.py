"""Checks claims of one text against each other, with or without results behind them."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product

from finsvc.domain.claims import TypedClaim

_SIDE = re.compile(r"\b(long|short|net|gross)\b[^.;,\d]*$", re.IGNORECASE)
_TOTAL = re.compile(r"\b(?:total|sums? to|adds? up to|altogether)\b[^.;,\d]*$", re.IGNORECASE)
_LOOK_BACK = 60


def _is_same(one: TypedClaim, other: TypedClaim) -> bool:
    """Whether two claims speak of one thing on one basis."""
    facts = ("entity", "period", "basis", "unit")
    return all(getattr(one, name) == getattr(other, name) for name in facts)


def _shortfall(claims: Sequence[TypedClaim]) -> Iterator[str]:
    tails = [claim for claim in claims if claim.quantity == "es"]
    levels = [claim for claim in claims if claim.quantity == "var"]
    for tail, level in product(tails, levels):
        if _is_same(tail, level) and tail.value + tail.half_place < level.value - level.half_place:
            yield f"expected shortfall {tail.text} is below value at risk {level.text}"


def _sides(text: str, claims: Sequence[TypedClaim]) -> Iterator[str]:
    """Long less short is net, long and short are gross; shorts count by size."""
    found: dict[str, TypedClaim] = {}
    for claim in claims:
        match = _SIDE.search(text[max(0, claim.span[0] - _LOOK_BACK) : claim.span[0]])
        if match is not None:
            found.setdefault(match[1].casefold(), claim)
    if not {"long", "short"} <= found.keys():
        return
    long, short = found["long"], found["short"]
    sizes = {"net": abs(long.value) - abs(short.value), "gross": abs(long.value) + abs(short.value)}
    for name in sizes.keys() & found.keys():
        claim = found[name]
        slack = claim.half_place + long.half_place + short.half_place
        is_comparable = claim.unit == long.unit == short.unit
        if is_comparable and abs(claim.value - sizes[name]) > slack:
            yield f"{name} {claim.text} is not what long {long.text} and short {short.text} give"


def _total(text: str, claims: Sequence[TypedClaim]) -> Iterator[str]:
    """A total must be the sum of the parts of the same quantity that stand before it."""
    for index, claim in enumerate(claims):
        before = text[max(0, claim.span[0] - _LOOK_BACK) : claim.span[0]]
        if not _TOTAL.search(before):
            continue
        parts = [part for part in claims[:index] if part.unit == claim.unit]
        if len(parts) < 2 or len({part.quantity for part in parts}) != 1:
            continue
        gap = abs(sum((part.value for part in parts), Decimal(0)) - claim.value)
        if gap > claim.half_place + sum(part.half_place for part in parts):
            yield f"{claim.text} is not the sum of {', '.join(part.text for part in parts)}"


def contradictions(text: str, claims: Sequence[TypedClaim]) -> list[str]:
    """Sentences that say which claims cannot hold together."""
    return [*_shortfall(claims), *_sides(text, claims), *_total(text, claims)]
