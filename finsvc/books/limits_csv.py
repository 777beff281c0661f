"""Limits in the documented CSV form (see README.md in this folder)."""

import re
from decimal import Decimal

from finsvc.books.reference import Reference
from finsvc.books.rows import Row, read_rows
from finsvc.domain.errors import InputError
from finsvc.domain.limits import Limit, LimitMetric
from finsvc.domain.scenarios import HISTORICAL_SCENARIOS

REQUIRED = ("name", "metric", "scope", "threshold", "unit")
OPTIONAL = ("confidence", "horizon_days")
PERCENT = "%"
HORIZON_DAYS_MAX = 250

# The name becomes the name of a row in results, hence no spaces.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_:-]{0,79}")

_DISTRIBUTIONAL = (LimitMetric.VALUE_AT_RISK, LimitMetric.EXPECTED_SHORTFALL)


def parse_limits(raw: bytes, *, source: str, reference: Reference) -> tuple[Limit, ...]:
    """Read limits from the bytes of a CSV file.

    Raises:
        InputError: a row or the whole is wrong; the error names row and column.
    """
    seen: dict[str, int] = {}
    limits: list[Limit] = []
    for row in read_rows(raw, source=source, required=REQUIRED, optional=OPTIONAL):
        limit = _limit(row, reference)
        name = limit.name.casefold()
        if name in seen:
            raise row.error("name", expected=f"a name that row {seen[name]} does not use")
        seen[name] = row.number
        limits.append(limit)
    if not limits:
        raise InputError(field=source, expected="at least one limit", actual="an empty file")
    return tuple(limits)


def _limit(row: Row, reference: Reference) -> Limit:
    metrics = tuple(str(metric) for metric in LimitMetric)
    metric = LimitMetric(row.known("metric", "metric", metrics))
    confidence, horizon_days = _parameters(row, metric)
    expected = "a name of letters, digits, _, : and - that starts with a letter"
    name = row.text("name", expected=expected)
    if not _NAME.fullmatch(name):
        raise row.error("name", expected=expected)
    return Limit(
        name=name,
        metric=metric,
        scope=_scope(row, metric, reference),
        threshold=row.number_in("threshold", positive=True),
        unit=row.known("unit", "unit", (PERCENT, *reference.currencies())),
        confidence=confidence,
        horizon_days=horizon_days,
    )


def _parameters(row: Row, metric: LimitMetric) -> tuple[Decimal | None, int | None]:
    if metric not in _DISTRIBUTIONAL:
        row.require_empty(OPTIONAL, why=f"{metric} has none")
        return None, None
    confidence = row.number_in("confidence", positive=True)
    if confidence >= 1:
        raise row.error("confidence", expected="a fraction between 0 and 1, such as 0.99")
    days = row.number_in("horizon_days", positive=True)
    if days != int(days) or days > HORIZON_DAYS_MAX:
        raise row.error("horizon_days", expected=f"whole days from 1 to {HORIZON_DAYS_MAX}")
    return confidence, int(days)


def _scope(row: Row, metric: LimitMetric, reference: Reference) -> str | None:
    if metric in _DISTRIBUTIONAL:
        row.require_empty(("scope",), why=f"{metric} covers the whole book")
        return None
    if metric is LimitMetric.STRESS_LOSS:
        return row.known("scope", "scenario", tuple(HISTORICAL_SCENARIOS))
    if not row.cells.get("scope"):
        return None
    if metric is LimitMetric.INSTRUMENT_EXPOSURE:
        return row.known("scope", "instrument", reference.instruments())
    if metric is LimitMetric.CURRENCY_EXPOSURE:
        return row.known("scope", "currency", reference.currencies())
    return row.known("scope", "sector", _sectors(reference))


def _sectors(reference: Reference) -> tuple[str, ...]:
    return tuple(sorted({reference.sector(name) for name in reference.instruments()}))
