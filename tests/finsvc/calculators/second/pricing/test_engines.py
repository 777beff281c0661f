from datetime import date
from pathlib import Path

import pytest

import finsvc.calculators.second.pricing
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.errors import CalculationError

ON = date(2022, 12, 28)


def test_refusal_of_the_library_is_a_calculation_error() -> None:
    with pytest.raises(CalculationError, match="QuantLib"), quantlib(ON) as ql:
        ql.Date(1, 1, 1800)


def test_date_of_the_library_is_put_back() -> None:
    with quantlib(ON) as ql:
        assert ql.Settings.instance().evaluationDate == ql.Date(28, 12, 2022)
        settings = ql.Settings.instance()
    assert settings.evaluationDate != ql.Date(28, 12, 2022)


def test_second_methods_of_pricing_import_no_first_method() -> None:
    folder = Path(finsvc.calculators.second.pricing.__file__).parent
    for path in folder.glob("*.py"):
        assert "finsvc.calculators.pricing" not in path.read_text(), path.name
