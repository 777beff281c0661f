from decimal import Decimal

import pytest
from pydantic import ValidationError

from finsvc.calculators.inputs.portfolio import PortfolioInput
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.positions import Portfolio
from tests.finsvc.calculators.factories import mixed_book


def test_portfolio_survives_the_domain_form_and_json() -> None:
    inputs = PortfolioInput.model_validate(mixed_book("EUR"))
    assert PortfolioInput.from_domain(inputs.to_domain()) == inputs
    assert PortfolioInput.model_validate_json(inputs.model_dump_json()) == inputs


def test_empty_domain_portfolio_is_refused() -> None:
    empty = Portfolio(label="none", positions=(), base_currency=CurrencyCode("USD"))
    with pytest.raises(ValidationError, match="at least 1 item"):
        PortfolioInput.from_domain(empty)


def test_document_writes_every_default_and_decimals_as_text() -> None:
    document = PortfolioInput.model_validate(
        {
            "label": "x",
            "positions": [{"kind": "cash", "currency": "EUR", "amount": Decimal("1E+3")}],
        }
    ).document()
    assert document == {
        "label": "x",
        "base_currency": "USD",
        "positions": [{"kind": "cash", "currency": "EUR", "amount": "1000"}],
    }


@pytest.mark.parametrize("amount", [Decimal("NaN"), "-0.0", "1" * 16, "0.123456789"])
def test_decimals_are_finite_and_bounded(amount: object) -> None:
    document = {"label": "x", "positions": [{"kind": "cash", "currency": "EUR", "amount": amount}]}
    if amount == "-0.0":
        position = PortfolioInput.model_validate(document).positions[0]
        assert position.model_dump(mode="json")["amount"] == "0"
        return
    with pytest.raises(ValidationError, match="decimal"):
        PortfolioInput.model_validate(document)
