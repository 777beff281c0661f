"""Judges one figure of a clause against one result.

A figure agrees when a field of the result has its value within half of the last printed place, in a
unit that the figure's can be converted to, and every word beside it fits: quantity, names, dates,
method, confidence, horizon and direction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from finsvc.domain.rendering import format_quantity
from finsvc.domain.results import Quantity
from finsvc.domain.verdicts import Reason
from finsvc.validator.comparisons import direction
from finsvc.validator.free_text.amounts import Amount
from finsvc.validator.free_text.clauses import Clause, Figure
from finsvc.validator.free_text.context import context_flaws, row_named
from finsvc.validator.free_text.evidence import Evidence
from finsvc.validator.free_text.units import factor
from finsvc.validator.free_text.vocabulary import stem

# A rounded figure may be off by half a percent; what is printed at the declared places may not.
_PRECISION = Decimal("0.005")
# "About" lets the last two places go, but not the size of the figure.
_ABOUT = Decimal("0.01")
# Quantities whose sign says profit or loss, or up or down.
_SIGNED = frozenset({"pnl", "change", "price_effect", "fx_effect"})
# Inputs that a result repeats as fields, which need no name of their own.
_ECHOES = frozenset({"amount"})
# Those of losses: positive is a loss, and words of loss are their own.
_LOSSES = frozenset({"var", "es", "drawdown", "measured"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a figure, for people, with its reason."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A figure and the field it stands for; ``field`` is "" where it stands for none."""

    figure: Figure
    evidence: Evidence
    field: str
    is_rounded: bool
    flaws: tuple[Flaw, ...]


def _fields_meant(figure: Figure, clause: Clause, evidence: Evidence) -> list[str]:
    """Fields that the words name; the headline, or its rows, where they name none."""
    known = clause.mentions or clause.inherited
    if not known:
        meant_alone = {evidence.result.headline, *_ECHOES}
        return [name for name in evidence.result.fields if stem(name) in meant_alone]
    start = figure.amount.span[0]
    before = [mention for mention in known if mention.span[0] < start]
    meant = (before[-1] if before else known[0]).fields
    return [name for name in evidence.result.fields if stem(name) in meant]


def _difference(amount: Amount, item: Quantity) -> tuple[Decimal, Decimal] | None:
    """How far an amount is from a field and how far it may be, in the field's unit."""
    times = factor(amount.unit, item.unit)
    if times is None:
        return None
    allowed = amount.half_place * times
    if amount.is_about:
        allowed = max(allowed, abs(item.value) * _ABOUT)
    return amount.value * times - item.value, allowed


def _agrees(amount: Amount, item: Quantity, name: str, words: str) -> bool:
    """Whether value, unit and sign agree; a loss may be stated without its minus."""
    found = _difference(amount, item)
    if found is None:
        return False
    difference, allowed = found
    if abs(difference) <= allowed:
        return True
    is_loss = stem(name) in _SIGNED and item.value < 0 < amount.value and not amount.is_signed
    return is_loss and direction(words) == -1 and abs(difference + 2 * item.value) <= allowed


def _direction_flaws(clause: Clause, name: str, item: Quantity) -> Iterator[Flaw]:
    """Words of direction against the field's sign."""
    way = direction(clause.words)
    if way is None:
        return
    kind = stem(name)
    if way == 0 or (kind not in _SIGNED and not (kind in _LOSSES and way == -1)):
        yield Flaw(reason=Reason.UNCHECKED_COMPARISON, detail=clause.text.strip())
    elif kind in _SIGNED and way * item.value <= 0:
        yield Flaw(reason=Reason.COMPARISON_WRONG, detail=clause.text.strip())


def _precision_flaws(amount: Amount, item: Quantity) -> Iterator[Flaw]:
    times = factor(amount.unit, item.unit)
    half = amount.half_place * (times or 1)
    declared = Decimal(5).scaleb(-item.decimals - 1)
    if half > declared and half > abs(item.value) * _PRECISION and not amount.is_about:
        detail = f"{amount.text} keeps too little of {_shown(item)}"
        yield Flaw(reason=Reason.PRECISION_LOST, detail=detail)


def _shown(item: Quantity) -> str:
    return format_quantity(item.value, item.unit, item.decimals)


def _cause(amount: Amount, name: str, item: Quantity) -> Flaw:
    """Say in which way a figure differs from the field that its words name."""
    detail = f"{amount.text} is stated, {name} is {_shown(item)}"
    found = _difference(amount, item)
    if found is None:
        return Flaw(reason=Reason.UNIT_MISMATCH, detail=detail)
    stated = found[0] + item.value
    if item.value and abs(stated + item.value) <= found[1]:
        return Flaw(reason=Reason.SIGN_WRONG, detail=detail)
    if item.value and any(
        abs(stated - item.value.scaleb(power)) <= abs(item.value.scaleb(power)) * _ABOUT
        for power in (-9, -6, -4, -3, -2, -1, 1, 2, 3, 4, 6, 9)
    ):
        return Flaw(reason=Reason.SCALE_WRONG, detail=detail)
    return Flaw(reason=Reason.VALUE_WRONG, detail=detail)


def _unmatched(figure: Figure, meant: Sequence[str], evidence: Evidence) -> Flaw:
    """Why no field that the words name has the figure's value."""
    amount = figure.amount
    for name, item in evidence.result.fields.items():
        if name not in meant and _agrees(amount, item, name, ""):
            detail = f"{amount.text} is {name} of {evidence.id}, which the words do not name"
            return Flaw(reason=Reason.QUANTITY_MISMATCH, detail=detail)
    if not meant:
        detail = f"{amount.text} is no figure of {evidence.id}"
        return Flaw(reason=Reason.UNBOUND_NUMBER, detail=detail)
    causes = [_cause(amount, name, evidence.field(name)) for name in meant]
    order = (Reason.SIGN_WRONG, Reason.SCALE_WRONG, Reason.VALUE_WRONG, Reason.UNIT_MISMATCH)
    return min(causes, key=lambda flaw: order.index(flaw.reason))


def _bind_result(figure: Figure, clause: Clause, evidence: Evidence) -> Binding:
    amount = figure.amount
    meant = _fields_meant(figure, clause, evidence)
    fitting = [name for name in meant if _agrees(amount, evidence.field(name), name, clause.words)]
    if not fitting:
        for parameter in evidence.parameters:
            is_size = parameter.name == "quantity" and parameter.unit == amount.unit
            if is_size and parameter.value == amount.value:
                return _bound(figure, evidence, "", ())
        return _bound(figure, evidence, "", (_unmatched(figure, meant, evidence),))
    options = []
    for name in fitting:
        item = evidence.field(name)
        flaws = [
            *_row_flaws(figure, clause, evidence, name),
            *_direction_flaws(clause, name, item),
            *_precision_flaws(amount, item),
        ]
        options.append(_bound(figure, evidence, name, tuple(flaws)))
    return min(options, key=lambda option: len(option.flaws))


def _bound(figure: Figure, evidence: Evidence, field: str, flaws: tuple[Flaw, ...]) -> Binding:
    item = evidence.result.fields.get(field)
    is_rounded = False
    if item is not None:
        declared = Decimal(5).scaleb(-item.decimals - 1)
        times = factor(figure.amount.unit, item.unit) or Decimal(1)
        is_rounded = figure.amount.half_place * times > declared
    return Binding(
        figure=figure, evidence=evidence, field=field, is_rounded=is_rounded, flaws=flaws
    )


def _row_flaws(figure: Figure, clause: Clause, evidence: Evidence, name: str) -> Iterator[Flaw]:
    """The row of a table must be the one that the clause names last before the figure."""
    if "." not in name:
        return
    named = row_named(clause, evidence, stem(name), figure.amount.span[0])
    if name not in named:
        detail = f"{figure.amount.text} is {name}, which the words beside it do not name"
        yield Flaw(reason=Reason.ENTITY_MISMATCH, detail=detail)


def _bind_parameter(figure: Figure, evidence: Evidence) -> Binding:
    """A figure that states a parameter must be that parameter's value."""
    names = {"days": ("horizon_days",), "window": ("window_days", "volatility_window_days")}
    wanted = names.get(figure.role, (figure.role,))
    if figure.role == "days" and not any(p.name == "horizon_days" for p in evidence.parameters):
        wanted = ("window_days",)
    amount = figure.amount
    for parameter in evidence.parameters:
        name = parameter.name
        is_wanted = name in wanted or (
            figure.role in ("limit", "threshold") and name.startswith("threshold")
        )
        is_unit = amount.unit == parameter.unit or not (amount.unit and parameter.unit)
        if is_wanted and is_unit and parameter.value == amount.value:
            return _bound(figure, evidence, "", ())
    detail = f"{amount.text} is no {figure.role} that {evidence.id} was computed with"
    return _bound(figure, evidence, "", (Flaw(reason=Reason.BASIS_MISMATCH, detail=detail),))


def bind_clause(clause: Clause, evidence: Evidence) -> tuple[list[Binding], list[Flaw]]:
    """Judge every figure of a clause against one result, and the words beside them."""
    bindings = [
        _bind_parameter(figure, evidence) if figure.role else _bind_result(figure, clause, evidence)
        for figure in clause.figures
    ]
    fields = [binding.field for binding in bindings if binding.field]
    flaws = [
        Flaw(reason=reason, detail=detail)
        for reason, detail in context_flaws(clause, evidence, fields)
    ]
    return bindings, flaws
