"""Run one calculator directly: the same inputs, code and snapshot that the agents use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from finsvc.calculators.comparison import compare
from finsvc.calculators.explanation import explain
from finsvc.calculators.registry import calculator
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.errors import RefusedError
from finsvc.domain.market import MarketView
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.ports import PolicyGate

InlineBooks = Callable[[Mapping[str, object]], Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculate:
    """The use case. ``inline_books`` replaces ``{"book": NAME}`` by the book's positions."""

    market: MarketView
    second_market: MarketView
    policy: PolicyGate
    inline_books: InlineBooks

    def __call__(
        self, name: str, inputs: Mapping[str, object], principal: Principal
    ) -> dict[str, object]:
        """Run a calculator and its second method.

        Returns:
            The result's JSON with ``second``: method and, per field, value, difference, tolerance
            and whether it lies within.

        Raises:
            UnknownNameError: There is no such calculator.
            InputError: An input is wrong; the field is named.
            RefusedError: Policy does not let the principal run it on this book.
        """
        entry = calculator(name)
        self._check_policy(name, inputs, principal)
        model = entry.parse(self.inline_books(inputs))
        result = entry.run(model, self.market)
        second = entry.confirm(model, self.second_market)
        comparisons = compare(result, second, entry.tolerances)
        return {
            **result_to_json(result),
            "second": {
                "method": second.method,
                "fields": {
                    field: {
                        "value": None if item.second is None else f"{item.second:f}",
                        "difference": None if item.difference is None else f"{item.difference:f}",
                        "tolerance": f"{item.tolerance:f}",
                        "within": item.within,
                    }
                    for field, item in comparisons.items()
                },
            },
        }

    def explain(
        self,
        name: str,
        before: Mapping[str, object],
        after: Mapping[str, object],
        principal: Principal,
        *,
        field: str | None = None,
    ) -> dict[str, object]:
        """Tell which inputs moved a result, as a tree whose children add up.

        Raises:
            UnknownNameError: There is no such calculator.
            InputError: An input is wrong; the field is named.
            RefusedError: Policy does not let the principal run it on a book.
        """
        entry = calculator(name)
        for inputs in (before, after):
            self._check_policy(name, inputs, principal)
        found = explain(
            entry, self.inline_books(before), self.inline_books(after), self.market, field=field
        )
        return found.document()

    def _check_policy(self, name: str, inputs: Mapping[str, object], principal: Principal) -> None:
        portfolio = inputs.get("portfolio")
        book = portfolio.get("book", "") if isinstance(portfolio, Mapping) else ""
        outcome = self.policy.decide(
            PolicyQuery(
                principal=principal,
                action=Action.RUN_CALCULATOR,
                resource=f"Calculator::{name}",
                context={"book": str(book)},
            )
        )
        if not outcome.is_allowed:
            raise RefusedError(action="run_calculator", reasons=outcome.determining)
