"""What a picture of a result shows, free of any drawing library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.domain.results import CalculatorResult

BARS_MAX = 40
"""Bars of one picture; more would not be readable."""


class PlotFormat(StrEnum):
    """File formats."""

    SVG = "svg"
    PNG = "png"


class Style(StrEnum):
    """How points are drawn."""

    LINE = "line"
    POINTS = "points"
    STEPS = "steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of one colour; ``x`` are numbers or ISO dates."""

    label: str
    x: tuple[str, ...] | tuple[float, ...]
    y: tuple[float, ...]
    style: Style = Style.LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Named bars from ``base`` to ``base + height``; a waterfall has moving bases.

    ``is_loss_positive`` says that a positive height is bad, which decides the colours.
    """

    names: tuple[str, ...]
    heights: tuple[float, ...]
    bases: tuple[float, ...]
    is_loss_positive: bool = False
    is_waterfall: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts between ascending edges, one edge more than counts."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One picture: any of curves, bars and a histogram, and named vertical marks."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...] = ()
    bars: Bars | None = None
    histogram: Histogram | None = None
    marks: Mapping[str, float] = field(default_factory=dict)
    has_dates: bool = False


class Artist(Protocol):
    """What the adapter of matplotlib offers; it is slow to import."""

    def draw(self, drawing: Drawing, file_format: PlotFormat) -> bytes:
        """Bytes of the picture's file."""


def _table(result: CalculatorResult, name: str) -> dict[str, float]:
    prefix = f"{name}."
    return {
        field_name.removeprefix(prefix): float(quantity.value)
        for field_name, quantity in result.fields.items()
        if field_name.startswith(prefix)
    }


def _unit(result: CalculatorResult, name: str) -> str:
    return next(
        quantity.unit
        for field_name, quantity in result.fields.items()
        if field_name == name or field_name.startswith(f"{name}.")
    )


def _title(result: CalculatorResult, what: str) -> str:
    subject = result.labels.get("subject", "")
    parts = (what, subject, result.as_of.isoformat())
    return ", ".join(part for part in parts if part)


def _backtest(result: CalculatorResult) -> Drawing:
    profits, bounds = _table(result, "profit"), _table(result, "var")
    if not profits:
        raise InputError(field="rows", expected="true for a plot", actual="false")
    days = tuple(profits)
    hit = [day for day in days if -profits[day] > bounds[day]]
    return Drawing(
        title=_title(result, "Value at risk and exceptions"),
        x_label="day",
        y_label=f"profit, {_unit(result, 'profit')}",
        curves=(
            Curve(label="profit", x=days, y=tuple(profits.values()), style=Style.STEPS),
            Curve(label="value at risk (negative)", x=days, y=tuple(-v for v in bounds.values())),
            Curve(
                label=f"{len(hit)} exceptions",
                x=tuple(hit),
                y=tuple(profits[day] for day in hit),
                style=Style.POINTS,
            ),
        ),
        has_dates=True,
    )


def _distribution(result: CalculatorResult) -> Drawing:
    marks = {
        "value at risk": -float(result.fields["var"].value),
        "expected shortfall": -float(result.fields["es"].value),
        "mean": float(result.fields["mean"].value),
    }
    return Drawing(
        title=_title(result, "One-day profits"),
        x_label=f"profit, {_unit(result, 'edge')}",
        y_label="days",
        histogram=Histogram(
            edges=tuple(_table(result, "edge").values()),
            counts=tuple(_table(result, "count").values()),
        ),
        marks=marks,
    )


def _largest(rows: Mapping[str, float]) -> dict[str, float]:
    """The largest rows by amount, the others together as one."""
    ordered = dict(sorted(rows.items(), key=lambda item: -abs(item[1])))
    if len(ordered) <= BARS_MAX:
        return ordered
    names = list(ordered)
    kept = {name: ordered[name] for name in names[: BARS_MAX - 1]}
    kept[f"{len(names) - len(kept)} others"] = sum(ordered[n] for n in names[BARS_MAX - 1 :])
    return kept


def _bars(
    table: str, what: str, *, is_loss_positive: bool = False
) -> Callable[[CalculatorResult], Drawing]:
    def drawing(result: CalculatorResult) -> Drawing:
        rows = _largest(_table(result, table))
        return Drawing(
            title=_title(result, what),
            x_label="",
            y_label=_unit(result, table),
            bars=Bars(
                names=tuple(rows),
                heights=tuple(rows.values()),
                bases=(0.0,) * len(rows),
                is_loss_positive=is_loss_positive,
            ),
        )

    return drawing


def _waterfall(result: CalculatorResult) -> Drawing:
    rows = _largest(_table(result, "contribution"))
    bases, level = [], 0.0
    for height in rows.values():
        bases.append(level)
        level += height
    scenario = result.labels.get("scenario", "")
    return Drawing(
        title=_title(result, f"Stress: {scenario}"),
        x_label="",
        y_label=f"profit, {_unit(result, 'pnl')}",
        bars=Bars(
            names=(*rows, "total"),
            heights=(*rows.values(), float(result.fields["pnl"].value)),
            bases=(*bases, 0.0),
            is_waterfall=True,
        ),
    )


def _surface(result: CalculatorResult) -> Drawing:
    smiles: dict[str, list[tuple[float, float]]] = {}
    for row, volatility in _table(result, "vol").items():
        expiry, strike = row.split(":")
        smiles.setdefault(expiry, []).append((float(strike.replace("_", ".")), volatility))
    curves = []
    for expiry in sorted(smiles):
        points = sorted(smiles[expiry])
        curves.append(
            Curve(
                label=expiry,
                x=tuple(strike for strike, _ in points),
                y=tuple(volatility for _, volatility in points),
            )
        )
    return Drawing(
        title=_title(result, "Implied volatility by expiry"),
        x_label="strike",
        y_label="implied volatility, %",
        curves=tuple(curves),
        marks={"spot": float(result.fields["spot"].value)},
    )


def _frontier(result: CalculatorResult) -> Drawing:
    means, deviations = _table(result, "return"), _table(result, "volatility")
    return Drawing(
        title=_title(result, "Efficient frontier"),
        x_label="volatility, %",
        y_label="mean return, %",
        curves=(Curve(label="frontier", x=tuple(deviations.values()), y=tuple(means.values())),),
    )


DRAWINGS: Mapping[str, Callable[[CalculatorResult], Drawing]] = {
    "book_backtest": _backtest,
    "profit_distribution": _distribution,
    "exposure": _bars("exposure", "Exposure"),
    "positions": _bars("positions", "Market value"),
    "var_contributions": _bars("component", "Component value at risk", is_loss_positive=True),
    "risk_contributions": _bars(
        "contribution", "Contributions to volatility", is_loss_positive=True
    ),
    "return_contributions": _bars("contribution", "Contributions to return"),
    "stress_suite": _bars("pnl", "Stress scenarios"),
    "stress_contributions": _waterfall,
    "volatility_surface": _surface,
    "efficient_frontier": _frontier,
    "risk_parity": _bars("weight", "Risk parity weights"),
}
"""How each calculator's result is drawn."""


def plot(result: CalculatorResult, file_format: PlotFormat, *, is_confirmed: bool = True) -> bytes:
    """Draw a result; the title says so where the second method did not confirm it.

    Raises:
        UnsupportedError: results of this calculator have no picture.
        InputError: the result lacks the rows that its picture shows.
    """
    describe = DRAWINGS.get(result.calculator)
    if describe is None:
        raise UnsupportedError(
            field="plot",
            expected="a calculator with a picture (" + ", ".join(DRAWINGS) + ")",
            actual=result.calculator,
        )
    artist = cast("Artist", import_module("finsvc.calculators.plots.matplotlib_adapter"))
    drawing = describe(result)
    if not is_confirmed:
        drawing = replace(drawing, title=f"{drawing.title} (not confirmed)")
    return artist.draw(drawing, file_format)
