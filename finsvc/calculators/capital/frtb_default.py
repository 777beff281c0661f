"""Default risk charge and residual risk add-on.

Longs and shorts of one obligor net where the short is of the same or lower seniority; a position of
less than a year counts for its maturity, at least three months. The hedge benefit ratio scales
shorts. Source: Basel Framework MAR22 (default), MAR23 (residual).
"""

from collections import defaultdict
from collections.abc import Iterable

from finsvc.calculators.inputs.capital.frtb import (
    DefaultPortfolio,
    DefaultPosition,
    ResidualPosition,
)
from finsvc.calculators.inputs.capital.frtb_rules import (
    DefaultRiskParameters,
    ResidualParameters,
)
from finsvc.domain.errors import InputError

_SENIORITY = {"covered": 3, "senior": 2, "non_senior": 1, "equity": 0}


def default_charges(
    positions: tuple[DefaultPosition, ...], rules: DefaultRiskParameters
) -> dict[DefaultPortfolio, dict[str, float]]:
    """Charge of every bucket by portfolio; correlation trading buckets may be negative.

    Raises:
        InputError: a rating without weight, or two weights for one obligor.
    """
    obligors: defaultdict[tuple[DefaultPortfolio, str, str], list[DefaultPosition]]
    obligors = defaultdict(list)
    for row in positions:
        obligors[row.portfolio, row.bucket, row.obligor].append(row)
    nets: defaultdict[DefaultPortfolio, defaultdict[str, list[tuple[float, float, float]]]]
    nets = defaultdict(lambda: defaultdict(list))
    for (portfolio, bucket, _), rows in sorted(obligors.items()):
        weight = _weight(rows, rules)
        nets[portfolio][bucket].append((*_net(rows, rules), weight))
    return {portfolio: _buckets(portfolio, by_bucket) for portfolio, by_bucket in nets.items()}


def portfolio_charge(
    portfolio: DefaultPortfolio, buckets: dict[str, float], rules: DefaultRiskParameters
) -> float:
    """Sum the buckets; in correlation trading half of the negative ones counts, floor zero."""
    if portfolio is not DefaultPortfolio.SEC_CTP:
        return sum(buckets.values())
    share = rules.correlation_trading_short_credit
    return max(sum(max(x, 0.0) + share * min(x, 0.0) for x in buckets.values()), 0.0)


def residual_charge(positions: Iterable[ResidualPosition], rules: ResidualParameters) -> float:
    """Share of gross notionals by kind of residual risk."""
    shares = {"exotic": rules.exotic, "other": rules.other}
    return sum(shares[row.kind] * float(row.notional) for row in positions)


def _buckets(
    portfolio: DefaultPortfolio, by_bucket: dict[str, list[tuple[float, float, float]]]
) -> dict[str, float]:
    everything = [net for nets in by_bucket.values() for net in nets]
    charges = {}
    for bucket, nets in by_bucket.items():
        is_pooled = portfolio is DefaultPortfolio.SEC_CTP
        ratio = _hedge_ratio(everything if is_pooled else nets)
        long = sum(weight * amount for amount, _, weight in nets)
        short = sum(weight * amount for _, amount, weight in nets)
        charge = long - ratio * short
        charges[bucket] = charge if is_pooled else max(charge, 0.0)
    return charges


def _hedge_ratio(nets: list[tuple[float, float, float]]) -> float:
    long = sum(net[0] for net in nets)
    gross = long + sum(net[1] for net in nets)
    return long / gross if gross > 0.0 else 0.0


def _weight(rows: list[DefaultPosition], rules: DefaultRiskParameters) -> float:
    weights = set()
    for row in rows:
        if row.risk_weight is not None:
            weights.add(float(row.risk_weight))
        elif row.rating is not None and row.rating in rules.weights:
            weights.add(rules.weights[row.rating])
        else:
            raise InputError(
                field=f"default_positions.{row.id}.rating",
                expected=f"one of {', '.join(rules.weights)}",
                actual=repr(row.rating),
            )
    if len(weights) > 1:
        raise InputError(
            field=f"default_positions.{rows[-1].id}.rating",
            expected=f"one weight for all positions of obligor {rows[-1].obligor}",
            actual=", ".join(str(weight) for weight in sorted(weights)),
        )
    return weights.pop()


def _net(rows: list[DefaultPosition], rules: DefaultRiskParameters) -> tuple[float, float]:
    """Net long and net short jump to default of an obligor, both positive amounts.

    Going down the ranks, a short meets the longs of its own rank or above that are still open.
    """
    longs: defaultdict[int, float] = defaultdict(float)
    shorts: defaultdict[int, float] = defaultdict(float)
    for row in rows:
        side = longs if row.direction == "long" else shorts
        rank = _SENIORITY[row.seniority] if row.portfolio is DefaultPortfolio.NONSEC else 0
        side[rank] += _scaled_jump(row, rules)
    open_long = net_short = 0.0
    for rank in sorted(_SENIORITY.values(), reverse=True):
        open_long += longs[rank]
        used = min(open_long, shorts[rank])
        open_long -= used
        net_short += shorts[rank] - used
    return open_long, net_short


def _scaled_jump(row: DefaultPosition, rules: DefaultRiskParameters) -> float:
    """Absolute jump to default times the share of a year.

    Securitisations are not scaled: their weights assume a year already (MAR22.34).
    """
    if row.portfolio is not DefaultPortfolio.NONSEC:
        return abs(float(row.gross_jtd or 0))
    years = min(max(float(row.maturity_years), rules.maturity_floor_years), 1.0)
    if row.gross_jtd is not None:
        return abs(float(row.gross_jtd)) * years
    loss = row.loss_given_default
    rate = rules.loss_given_default[row.seniority] if loss is None else float(loss)
    sign = 1.0 if row.direction == "long" else -1.0
    return max(sign * (sign * rate * float(row.notional) + float(row.pnl)), 0.0) * years
