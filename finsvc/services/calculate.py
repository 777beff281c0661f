"""Run one calculator directly: the same inputs, code and snapshot that the agents use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from finsvc.calculators.compare import compare
from finsvc.calculators.registry import CALCULATORS, Calculator
from finsvc.calculators.serialise import result_to_json
from finsvc.domain.errors import RefusedError, UnknownNameError
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
        calculator = find_calculator(name)
        self._check_policy(name, inputs, principal)
        model = calculator.parse(self.inline_books(inputs))
        result = calculator.run(model, self.market)
        second = calculator.confirm(model, self.second_market)
        comparisons = compare(result, second, calculator.tolerances)
        return {
            **result_to_json(result),
            "second": {
                "method": second.method,
                "fields": {
                    field: {
                        "value": f"{item.value:f}",
                        "difference": f"{item.difference:f}",
                        "tolerance": f"{item.tolerance:f}",
                        "within": item.is_within,
                    }
                    for field, item in comparisons.items()
                },
            },
        }

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


def find_calculator(name: str) -> Calculator:
    """Return a calculator by name.

    Raises:
        UnknownNameError: There is none of that name.
    """
    calculator = CALCULATORS.get(name)
    if calculator is None:
        raise UnknownNameError(
            field="calculator", kind="calculator", actual=name, known=sorted(CALCULATORS)
        )
    return calculator
