"""Second methods of exposure, positions, large exposures and profit and loss.

Re-implementation: every listed position is valued alone (options by QuantLib), amounts are added
as decimals, and lines that are the same contract meet only in the sums.
"""

import re
from collections import defaultdict
from decimal import Decimal

from finsvc.calculators.inputs.book import (
    ExposureInput,
    ExposureKey,
    LargeExposuresInput,
    PositionsInput,
)
from finsvc.calculators.inputs.portfolio import (
    CashInput,
    OptionInput,
    PortfolioCalculation,
    StockInput,
)
from finsvc.calculators.inputs.risk import ProfitAndLossInput
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.valuation import Appraiser, Worth
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_METHOD = "position by position, QuantLib options, decimal sums"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_:-]+", "_", text)


def line_name(position: StockInput | CashInput | OptionInput) -> str:
    """Name of the row that a position adds to, from the written form of its inputs."""
    document: dict[str, str] = position.model_dump(mode="json")
    if isinstance(position, StockInput):
        return _plain(document["instrument"])
    if isinstance(position, CashInput):
        return "cash:" + document["currency"]
    parts = [
        document["underlying"],
        "C" if document["option_type"] == "call" else "P",
        document["strike"],
        document["expiry"],
        "x" + document["multiplier"],
    ]
    return _plain("-".join(parts))


def _exact(amount: float, rate: float) -> Decimal:
    return Decimal(amount) * Decimal(rate)


def appraised(inputs: PortfolioCalculation, market: MarketView) -> list[tuple[str, Worth]]:
    """Row name and worth of every listed position."""
    appraiser = Appraiser(
        market,
        base=inputs.portfolio.base_currency,
        on=inputs.as_of,
        assumptions=inputs.assumptions,
    )
    return [
        (line_name(position), appraiser.worth(position.to_domain()))
        for position in inputs.portfolio.positions
    ]


def grouped(
    lines: list[tuple[str, Worth]], by: ExposureKey, market: MarketView
) -> dict[str, Decimal]:
    """Net delta-equivalent exposure of every group by its display name."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for _, worth in lines:
        if by is ExposureKey.CURRENCY:
            name = str(worth.currency)
        elif worth.instrument is None:
            name = "Cash" if by is ExposureKey.SECTOR else f"cash:{worth.currency}"
        elif by is ExposureKey.SECTOR:
            name = market.sector(worth.instrument)
        else:
            name = str(worth.instrument)
        sums[name] += _exact(worth.delta, worth.rate)
    return dict(sums)


def gross(lines: list[tuple[str, Worth]]) -> Decimal:
    """Sum over contracts of absolute net delta-equivalents."""
    contracts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row, worth in lines:
        contracts[row] += _exact(worth.delta, worth.rate)
    return sum((abs(amount) for amount in contracts.values()), Decimal(0))


def confirm_exposure(inputs: ExposureInput, market: MarketView) -> SecondOpinion:
    """Add up deltas of single positions."""
    lines = appraised(inputs, market)
    groups = grouped(lines, inputs.by, market)
    values = {f"exposure.{_plain(name)}": amount for name, amount in groups.items()}
    values["exposure_total"] = sum(groups.values(), Decimal(0))
    values["exposure_gross"] = gross(lines)
    return opinion(_METHOD, values)


def confirm_positions(inputs: PositionsInput, market: MarketView) -> SecondOpinion:
    """Add up values of single positions."""
    values: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row, worth in appraised(inputs, market):
        values[f"positions.{row}"] += _exact(worth.value, worth.rate)
    values["positions_total"] = sum(values.values(), Decimal(0))
    return opinion(_METHOD, values)


def confirm_large_exposures(inputs: LargeExposuresInput, market: MarketView) -> SecondOpinion:
    """Compare every share of the book's value with the threshold as decimals."""
    lines = appraised(inputs, market)
    value = sum((_exact(worth.value, worth.rate) for _, worth in lines), Decimal(0))
    own_cash = f"cash:{inputs.portfolio.base_currency}"
    values = {"book_value": value}
    for name, amount in grouped(lines, ExposureKey.INSTRUMENT, market).items():
        if name != own_cash and abs(amount) > inputs.threshold * value:
            values[f"exposures.{_plain(name)}"] = 100 * amount / value
    return opinion(_METHOD, values)


def confirm_profit_and_loss(inputs: ProfitAndLossInput, market: MarketView) -> SecondOpinion:
    """Take the difference of the whole values; the FX effect is what the prices leave over."""
    first, last = (
        Appraiser(
            market,
            base=inputs.portfolio.base_currency,
            on=day,
            assumptions=inputs.assumptions,
            field=field,
        )
        for day, field in ((inputs.start, "start"), (inputs.end, "end"))
    )
    total = price = Decimal(0)
    for position in inputs.portfolio.to_domain().positions:
        old, new = first.worth(position), last.worth(position)
        total += _exact(new.value, new.rate) - _exact(old.value, old.rate)
        price += (Decimal(new.value) - Decimal(old.value)) * Decimal(old.rate)
    return opinion(
        "difference of whole values, QuantLib options, decimal sums",
        {"pnl": total, "price_effect": price, "fx_effect": total - price},
    )
