"""A curve that projects floating rates while another discounts."""

from collections.abc import Mapping

import pytest

from finsvc.domain.errors import InputError
from tests.finsvc.calculators.pricing.cases import AS_OF, CURVE, FLAT, OVERNIGHT, PROJECTION, SWAP
from tests.golden.pricing.runner import run

# Spot is two business days after the Wednesday of the valuation.
SPOT = "2022-12-30"


def curve(**changes: object) -> Mapping[str, float]:
    document = {"as_of": AS_OF, **PROJECTION, "discount_curve": OVERNIGHT, **changes}
    result = run("discount_curve", document)
    return {name: float(quantity.value) for name, quantity in result.fields.items()}


def test_every_quote_of_the_projection_is_repriced() -> None:
    errors = {name: gap for name, gap in curve().items() if name.startswith("repricing_error")}
    assert len(errors) == 6
    assert max(map(abs, errors.values())) < 1e-8


@pytest.mark.parametrize(("years", "quoted"), [(2, 3.22), (5, 3.07), (10, 3.09)])
def test_swap_on_both_curves_is_fair_at_its_quote(years: int, quoted: float) -> None:
    document = {
        **SWAP,
        "side": "pay_fixed",
        "start": SPOT,
        "maturity": f"{2022 + years}-12-30",
        "discount_curve": OVERNIGHT,
        "forward_curve": PROJECTION,
    }
    fields = run("interest_rate_swap", document).fields
    assert float(fields["fair_rate"].value) == pytest.approx(quoted, abs=1e-9)


def test_discounting_on_its_own_factors_changes_nothing() -> None:
    alone = {**PROJECTION, "swaps_discounted_on": "own"}
    plain = run("discount_curve", {"as_of": AS_OF, **alone}).fields
    nodes = [
        {"date": name.partition(".")[2], "discount_factor": str(quantity.value)}
        for name, quantity in plain.items()
        if name.startswith("discount_factor")
    ]
    both = curve(discount_curve={"nodes": nodes})
    for name, quantity in plain.items():
        assert both[name] == pytest.approx(float(quantity.value), abs=1e-9), name


def test_level_of_discounting_moves_the_projection_little() -> None:
    apart = curve()["zero_rate.2032-12-30"] - curve(discount_curve=FLAT)["zero_rate.2032-12-30"]
    assert 1e-4 < abs(apart) < 0.1


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        ("discount_curve", {"as_of": AS_OF, **PROJECTION}, "discount_curve exactly where"),
        ("discount_curve", {"as_of": AS_OF, **CURVE, "discount_curve": FLAT}, "exactly where"),
        (
            "discount_curve",
            {"as_of": AS_OF, **PROJECTION, "discount_curve": PROJECTION},
            "discounts its own swaps",
        ),
        (
            "interest_rate_swap",
            {**SWAP, "side": "pay_fixed", "start": SPOT, "discount_curve": PROJECTION},
            "discounts its own swaps",
        ),
        (
            "discount_curve",
            {"as_of": AS_OF, **FLAT, "swaps_discounted_on": "discount_curve"},
            "expected swap quotes|swap quotes where",
        ),
    ],
)
def test_projection_without_its_discounting_is_refused(
    name: str, document: Mapping[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(name, document)


@pytest.mark.parametrize("name", ["discount_curve", "forward_curve"])
def test_curve_that_leaves_nothing_of_later_money_is_refused(name: str) -> None:
    document = {**SWAP, "side": "pay_fixed", "start": SPOT, "maturity": "2050-12-30"}
    with pytest.raises(InputError, match="discount factor of zero"):
        run("interest_rate_swap", {**document, name: {"zero_rate": "100"}})
