"""Second method of the default risk charge: shorts matched to longs one position at a time."""

import math
from collections import defaultdict

from finsvc.calculators.inputs.capital.frtb import DefaultPosition
from finsvc.calculators.inputs.capital.frtb_rules import DefaultRiskParameters

_ORDER = ("equity", "non_senior", "senior", "covered")


def confirm_defaults(
    positions: tuple[DefaultPosition, ...], rules: DefaultRiskParameters
) -> tuple[dict[str, float], float]:
    """Charge of every bucket, and the total over portfolios."""
    books: defaultdict[str, defaultdict[str, defaultdict[str, list[DefaultPosition]]]]
    books = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in positions:
        books[row.portfolio.value][row.bucket][row.obligor].append(row)
    charges: dict[str, float] = {}
    totals = []
    for portfolio, buckets in books.items():
        is_pooled = portfolio == "sec_ctp"
        nets = {
            bucket: [_matched(rows, rules, portfolio) for rows in obligors.values()]
            for bucket, obligors in buckets.items()
        }
        pool = [item for part in nets.values() for item in part]
        own = []
        for bucket, part in nets.items():
            benefit = _benefit(pool if is_pooled else part)
            charge = math.fsum(weight * (long - benefit * short) for weight, long, short in part)
            charge = charge if is_pooled else max(charge, 0.0)
            charges[f"{portfolio}:{bucket}"] = charge
            own.append(charge)
        if is_pooled:
            half = rules.correlation_trading_short_credit
            totals.append(max(0.0, math.fsum(x if x > 0.0 else half * x for x in own)))
        else:
            totals.append(math.fsum(own))
    return charges, math.fsum(totals)


def _benefit(nets: list[tuple[float, float, float]]) -> float:
    long = math.fsum(net[1] for net in nets)
    short = math.fsum(net[2] for net in nets)
    return 0.0 if long == 0.0 else 1.0 / (1.0 + short / long)


def _matched(
    rows: list[DefaultPosition], rules: DefaultRiskParameters, portfolio: str
) -> tuple[float, float, float]:
    """Weight, net long and net short of an obligor."""
    longs = [[_rank(row, portfolio), _jump(row, rules)] for row in rows if row.direction == "long"]
    shorts = [
        [_rank(row, portfolio), _jump(row, rules)] for row in rows if row.direction == "short"
    ]
    for short in sorted(shorts, reverse=True):
        for long in sorted(longs, reverse=True):
            if short[0] <= long[0]:
                met = min(short[1], long[1])
                short[1] -= met
                long[1] -= met
    given = rows[0].risk_weight
    weight = rules.weights[str(rows[0].rating)] if given is None else float(given)
    return weight, math.fsum(x for _, x in longs), math.fsum(x for _, x in shorts)


def _rank(row: DefaultPosition, portfolio: str) -> float:
    return float(_ORDER.index(row.seniority)) if portfolio == "nonsec" else 0.0


def _jump(row: DefaultPosition, rules: DefaultRiskParameters) -> float:
    time = sorted((rules.maturity_floor_years, float(row.maturity_years), 1.0))[1]
    if row.portfolio.value != "nonsec":
        time = 1.0
    if row.gross_jtd is not None:
        return time * abs(float(row.gross_jtd))
    severity = row.loss_given_default
    loss = rules.loss_given_default[row.seniority] if severity is None else float(severity)
    exposure = loss * float(row.notional)
    gain = float(row.pnl) if row.direction == "long" else -float(row.pnl)
    return time * max(0.0, exposure + gain)
