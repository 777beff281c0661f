"""Resolves a call of a calculator's own tool: spans and attached documents become its inputs."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from finsvc.agents.direct.reading import Value, read_value
from finsvc.agents.direct.schema import Kind, Slot, slots
from finsvc.agents.resolution.context import Draft, Resolved, portfolio_json
from finsvc.agents.resolution.risk import date_range
from finsvc.calculators.calculator import Calculator
from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError
from finsvc.domain.rendering import WHOLE_RESULT

# Labels that calculators give; those that a result has may be cited.
_LABELS = ("subject", "scenario", "status")
_SCALARS = (str, int, Decimal)


def direct_resolver(name: str) -> Callable[[Draft], Resolved]:
    """The resolver of a calculator's tool."""

    def resolve(draft: Draft) -> Resolved:
        return _Direct(calculator(name), draft).resolved()

    return resolve


class _Direct:
    """One call while its arguments are read."""

    def __init__(self, entry: Calculator, draft: Draft) -> None:
        self._entry = entry
        self._draft = draft
        self._slots = {slot.name: slot for slot in slots(entry.input_schema)}
        self._inputs: dict[str, object] = {}
        self._as_of: date | None = None
        self._currencies: dict[str, str] = {}

    def resolved(self) -> Resolved:
        """Read every argument and state what was not given.

        Raises:
            InputError: An argument is not understood, or names a currency that nothing uses.
        """
        self._dates()
        for name in self._draft.spans:
            if name not in self._inputs:
                self._read(self._slots[name])
        self._settle_currency()
        self._state_defaults()
        self._draft.labels["title"] = self._entry.summary.rstrip(".")
        names = [spec.name for spec in self._entry.outputs]
        return self._draft.resolved(self._entry.name, self._inputs, WHOLE_RESULT, *_LABELS, *names)

    def _dates(self) -> None:
        """Settle the dates of market data first: portfolios are bought at them."""
        has_portfolio = "portfolio" in self._slots and self._document("portfolio") is None
        if "as_of" in self._slots:
            attached = self._document("as_of")
            if attached is not None:
                self._inputs["as_of"] = attached
                on = read_value(self._slots["as_of"], str(attached), as_of=None)
            else:
                holdings = (
                    self._draft.holdings() if has_portfolio else self._draft.market.instruments()
                )
                found = self._draft.as_of(holdings, uses_fx=True)
                on = Value(value=found.isoformat())
                self._inputs["as_of"] = on.value
            self._as_of = date.fromisoformat(str(on.value))
            bought = self._as_of
        elif has_portfolio:
            start, end = date_range(self._draft, self._draft.holdings(), uses_fx=True)
            self._inputs |= {"start": start.isoformat(), "end": end.isoformat()}
            bought = start
        if has_portfolio:
            portfolio = self._draft.bought(bought).portfolio
            self._inputs["portfolio"] = portfolio_json(portfolio)

    def _document(self, name: str) -> object | None:
        """What an attached document holds for an argument; None where no document is named."""
        span = self._draft.spans.get(name)
        document = None if span is None else self._draft.documents.get(span.strip())
        if document is None:
            return None
        leaf = self._slots[name].path[-1]
        if isinstance(document, Mapping) and leaf in document:
            member: object = document[leaf]
            return member
        if self._slots[name].kind in (Kind.DOCUMENT, Kind.PAIRS, Kind.LIST, Kind.PORTFOLIO):
            return document
        raise InputError(field=name, expected=f"a document with a member {leaf}", actual=str(span))

    def _read(self, slot: Slot) -> None:
        attached = self._document(slot.name)
        if attached is not None:
            # A leaf may still be put into it, which must not change the caller's document.
            copied = dict(attached) if isinstance(attached, Mapping) else attached
            self._put(slot.path, copied)
            return
        found = read_value(slot, self._draft.text(slot.name), as_of=self._as_of)
        self._draft.notes += found.notes
        if found.currency is not None:
            self._currencies[slot.name] = found.currency
        self._put(slot.path, found.value)

    def _put(self, path: tuple[str, ...], value: object) -> None:
        *heads, last = path
        place = self._inputs
        for head in heads:
            inner = place.setdefault(head, {})
            if not isinstance(inner, dict):
                raise InputError(field=head, expected="one way of giving it", actual="two")
            place = inner
        place[last] = value

    def _settle_currency(self) -> None:
        """Amounts name the currency of the inputs, or agree with it."""
        for name, code in self._currencies.items():
            if "currency" not in self._slots:
                raise InputError(field=name, expected="a number without currency", actual=code)
            given = self._inputs.setdefault("currency", code)
            if given != code:
                raise InputError(field=name, expected=f"an amount in {given}", actual=code)

    def _state_defaults(self) -> None:
        for name, field in self._entry.input_model.model_fields.items():
            default = field.get_default()
            if name not in self._inputs and isinstance(default, _SCALARS):
                self._draft.default(name.replace("_", " "), str(default))
