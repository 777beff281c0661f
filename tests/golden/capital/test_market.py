"""Portfolios of the FRTB standardised approach and cases of SIMM 2.5 with published results.

Figures are facts of the sources that the files name, written in the form of our inputs. The FRTB
portfolios are an open project's own, not a supervisor's: a difference would be a question to both.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.finsvc.calculators.capital.cases import simm_document
from tests.golden.capital.runs import confirmed, value

FOLDER = Path(__file__).parent
FRTB = json.loads((FOLDER / "frtb_cases.json").read_text())["cases"]
SIMM = json.loads((FOLDER / "simm_2_5_cases.json").read_text())
ONE_DOLLAR = Decimal(1)


@pytest.mark.parametrize(("name", "document", "expected"), FRTB, ids=[case[0] for case in FRTB])
def test_frtb_charge_is_the_published_one(
    name: str, document: dict[str, object], expected: str
) -> None:
    capital = value(confirmed("frtb_sa", document), "capital_total")
    assert abs(capital - Decimal(expected)) <= Decimal("1e-6") * max(1, Decimal(expected))


@pytest.mark.parametrize("horizon", ["ten_days", "one_day"])
def test_simm_margin_is_within_one_dollar_of_every_published_case(horizon: str) -> None:
    wrong = {}
    for name, rows, expected in SIMM[horizon]:
        crif = [dict(zip(SIMM["columns"], SIMM["rows"][row], strict=True)) for row in rows]
        margin = value(confirmed("simm", simm_document(horizon, crif=crif)), "margin_total")
        if abs(margin - Decimal(expected)) > ONE_DOLLAR:
            wrong[name] = (margin, expected)
    assert wrong == {}
    assert len(SIMM[horizon]) == 481
