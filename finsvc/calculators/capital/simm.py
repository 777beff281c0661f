"""Initial margin from a CRIF by a model of ISDA's SIMM form.

The engine holds no parameters: the operator supplies a version's file (see
`finsvc.calculators.inputs.capital.simm_rules`) and states that ISDA's licence is held. Margin is in
USD and positive; sensitivities follow the CRIF (amount for one basis point or one percent).
Source: ISDA SIMM methodology (structure of the formulas).
"""

import math
from collections import defaultdict

from finsvc.calculators.capital.simm_margin import measure_margin
from finsvc.calculators.capital.simm_rows import netted_factors, row_error
from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.capital.simm import CrifRow, SimmInput
from finsvc.calculators.inputs.capital.simm_rules import SimmParameters, complete_tables
from finsvc.domain.errors import DateOutOfRangeError
from finsvc.domain.market import MarketView


@complete_tables()
def simm(inputs: SimmInput, market: MarketView) -> Computation:
    """Compute initial margin by product class, risk class and measure.

    Raises:
        DateOutOfRangeError: the parameters are not in force on the day.
        InputError: names the first CRIF row that cannot be mapped.
    """
    parameters = inputs.parameters
    if not parameters.effective_from <= inputs.as_of <= parameters.effective_to:
        raise DateOutOfRangeError(
            field="as_of",
            actual=inputs.as_of,
            first=parameters.effective_from,
            last=parameters.effective_to,
        )
    currency = inputs.calculation_currency
    fields: dict[str, Figure] = {}
    by_class: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for (product, risk_class, measure), amounts in sorted(
        netted_factors(inputs.crif, parameters, currency).items()
    ):
        margin = measure_margin(risk_class, measure, amounts, parameters, currency)
        by_class[product][risk_class] += margin
        fields[f"measure.{product}:{risk_class}:{measure}"] = _dollars(margin)
    products = {name: _product(parts, parameters) for name, parts in by_class.items()}
    for name, parts in by_class.items():
        fields[f"product.{name}"] = _dollars(products[name])
        for risk_class, margin in parts.items():
            fields[f"risk_class.{name}:{risk_class}"] = _dollars(margin)
    standard = sum(products.values())
    extra = _add_ons(inputs.crif, products)
    totals = {
        "margin_total": _dollars(standard + extra),
        "standard_total": _dollars(standard),
        "add_on_total": _dollars(extra),
    }
    return Computation(
        headline="margin_total",
        fields={**totals, **fields},
        labels={"rule_set": f"SIMM {parameters.version}"},
        as_of=inputs.as_of,
        method="sensitivities",
        parameters={
            "rule_set": f"SIMM {parameters.version}",
            "effective_from": parameters.effective_from.isoformat(),
            "effective_to": parameters.effective_to.isoformat(),
            "calculation_currency": currency,
        },
        notes=(
            "Parameters were supplied by the operator, who states that ISDA's licence is held.",
        ),
    )


def _dollars(value: float) -> Figure:
    return Figure(value=value, unit="USD", decimals=0)


def _product(parts: dict[str, float], parameters: SimmParameters) -> float:
    psi = parameters.risk_class_correlation
    total = sum(
        one * other * (1.0 if a == b else psi[a][b])
        for a, one in parts.items()
        for b, other in parts.items()
    )
    return math.sqrt(max(total, 0.0))


def _add_ons(rows: tuple[CrifRow, ...], products: dict[str, float]) -> float:
    """Add-ons: multipliers of product classes, factors on notionals, fixed amounts."""
    factors: dict[str, float] = {}
    notionals: defaultdict[str, float] = defaultdict(float)
    total = 0.0
    margins = {name.lower(): margin for name, margin in products.items()}
    for number, row in enumerate(rows, start=1):
        amount = float(row.amount_usd)
        match row.risk_type.lower():
            case "param_addonfixedamount":
                total += amount
            case "param_productclassmultiplier":
                if amount < 1.0:
                    raise row_error(number, row, "amount_usd", "a multiplier of at least 1")
                total += (amount - 1.0) * margins.get(row.qualifier.lower(), 0.0)
            case "param_addonnotionalfactor":
                if row.qualifier in factors:
                    raise row_error(number, row, "qualifier", "one factor for each product")
                factors[row.qualifier] = amount / 100.0
            case "notional":
                notionals[row.qualifier] += abs(amount)
    return total + sum(factor * notionals[name] for name, factor in factors.items())
