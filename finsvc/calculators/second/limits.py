"""Second method of limit checks: every measure by its own second method."""

from decimal import Decimal

from finsvc.calculators.inputs.book import ExposureKey, LimitCheckInput, LimitInput
from finsvc.calculators.inputs.risk import RiskInput
from finsvc.calculators.second.books import appraised, gross, grouped
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.risk import Floats, historical_losses, horizon_figures
from finsvc.calculators.second.stress import stress_profit
from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.limits import LimitMetric
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion
from finsvc.domain.scenarios import HISTORICAL_SCENARIOS

_KEYS = {
    LimitMetric.INSTRUMENT_EXPOSURE: ExposureKey.INSTRUMENT,
    LimitMetric.SECTOR_EXPOSURE: ExposureKey.SECTOR,
    LimitMetric.CURRENCY_EXPOSURE: ExposureKey.CURRENCY,
}


def _largest(limit: LimitInput, groups: dict[str, Decimal], base: CurrencyCode) -> Decimal:
    """Absolute amount of the member a limit names, or of the largest that bears its risk."""
    if limit.scope is not None:
        return abs(groups.get(limit.scope, Decimal(0)))
    risky = [
        abs(amount)
        for name, amount in groups.items()
        if name not in ("Cash", base) and not name.startswith("cash:")
    ]
    return max(risky, default=Decimal(0))


def _tail_losses(inputs: LimitCheckInput, market: MarketView) -> Floats | None:
    """Daily losses, once for all limits that need them."""
    if all(limit.confidence is None for limit in inputs.limits):
        return None
    return historical_losses(
        RiskInput(
            portfolio=inputs.portfolio,
            as_of=inputs.as_of,
            assumptions=inputs.assumptions,
            window_days=inputs.window_days,
        ),
        market,
    )


def _loss(
    limit: LimitInput, inputs: LimitCheckInput, market: MarketView, daily: Floats | None
) -> float:
    if daily is None or limit.confidence is None or limit.horizon_days is None:
        scenario = HISTORICAL_SCENARIOS[str(limit.scope)]
        return max(-stress_profit(inputs, market, scenario), 0.0)
    var, es = horizon_figures(daily, limit.confidence, limit.horizon_days)
    return max(var if limit.metric is LimitMetric.VALUE_AT_RISK else es, 0.0)


def confirm_limit_check(inputs: LimitCheckInput, market: MarketView) -> SecondOpinion:
    """Measure every limit again and divide as decimals."""
    base = inputs.portfolio.base_currency
    lines = appraised(inputs, market)
    appraiser = Appraiser(market, base=base, on=inputs.as_of, assumptions=inputs.assumptions)
    daily = _tail_losses(inputs, market)
    values: dict[str, Decimal] = {}
    for limit in inputs.limits:
        if limit.metric in _KEYS:
            amount = _largest(limit, grouped(lines, _KEYS[limit.metric], market), base)
        else:
            amount = Decimal(_loss(limit, inputs, market, daily))
        if limit.unit == "%":
            amount = 100 * amount / gross(lines)
        else:
            amount = amount / Decimal(appraiser.rate(CurrencyCode(limit.unit)))
        values[f"measured.{limit.name}"] = amount
        values[f"limits.{limit.name}"] = 100 * amount / limit.threshold
    return opinion("second methods of the measures, decimal ratios", values)
