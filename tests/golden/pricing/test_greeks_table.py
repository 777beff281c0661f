"""A published table of Black-Scholes prices and Greeks, far in and far out of the money."""

import json
from pathlib import Path

import pytest

from tests.golden.pricing.runner import run

TABLE = json.loads((Path(__file__).parent / "greeks_table.json").read_text(encoding="utf-8"))
ROWS = [dict(zip(TABLE["columns"], row, strict=True)) for row in TABLE["rows"]]
FIELDS = {"D": ("delta", 1.0), "G": ("gamma", 1.0), "T": ("theta", 365.0), "V": ("vega", 100.0)}
FIELDS["R"] = ("rho", 100.0)
# Nine decimals are printed, of large figures nine or ten significant digits.
ABSOLUTE, RELATIVE = 6e-10, 2e-9


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['S']:g}-{row['K']:g}-{row['t']:g}")
@pytest.mark.parametrize("option_type", ["call", "put"])
def test_price_and_greeks_are_those_of_the_table(row: dict[str, float], option_type: str) -> None:
    document = {
        "option_type": option_type,
        "spot": f"{row['S']:.10f}",
        "strike": f"{row['K']:.10f}",
        "rate": f"{row['R']:.10f}",
        "dividend_yield": "0",
        "years": f"{row['t']:.10f}",
        "volatility": f"{row['v']:.10f}",
    }
    fields = run("european_option", document).fields
    expected = {"price": row[f"bs_{option_type}"]}
    for letter, (name, scale) in FIELDS.items():
        expected[name] = row[option_type[0].upper() + letter] / scale
    wrong = {
        name: (float(fields[name].value), printed)
        for name, printed in expected.items()
        if abs(float(fields[name].value) - printed) > ABSOLUTE + RELATIVE * abs(printed)
    }
    assert wrong == {}
