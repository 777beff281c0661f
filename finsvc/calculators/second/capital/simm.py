"""Second method of SIMM: rows to nested dictionaries, every pair of factors written out."""

import math
from collections import defaultdict
from typing import NamedTuple

from finsvc.calculators.inputs.capital.simm import CrifRow, SimmInput
from finsvc.calculators.inputs.capital.simm_rules import SimmParameters, complete_tables
from finsvc.calculators.second.capital.simm_pairs import Node, curved, linear
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


class _Kind(NamedTuple):
    risk_class: str
    is_vega: bool


_KINDS = {
    "IRCurve": _Kind("rates", False),
    "Inflation": _Kind("rates", False),
    "XCcyBasis": _Kind("rates", False),
    "IRVol": _Kind("rates", True),
    "InflationVol": _Kind("rates", True),
    "FX": _Kind("fx", False),
    "FXVol": _Kind("fx", True),
    "CreditQ": _Kind("credit_qualifying", False),
    "CreditVol": _Kind("credit_qualifying", True),
    "CreditNonQ": _Kind("credit_non_qualifying", False),
    "CreditVolNonQ": _Kind("credit_non_qualifying", True),
    "Equity": _Kind("equity", False),
    "EquityVol": _Kind("equity", True),
    "Commodity": _Kind("commodity", False),
    "CommodityVol": _Kind("commodity", True),
}
_BY_TEXT = {f"risk_{name}".lower(): kind for name, kind in _KINDS.items()}
_PRODUCTS = {name.lower(): name for name in ("RatesFX", "Credit", "Equity", "Commodity")}
_YEAR = 365.0


@complete_tables()
def confirm_simm(inputs: SimmInput, market: MarketView) -> SecondOpinion:
    """Compute initial margin and its parts again."""
    parameters = inputs.parameters
    books: defaultdict[tuple[str, str, str], defaultdict[Node, list[float]]]
    books = defaultdict(lambda: defaultdict(list))
    for row in inputs.crif:
        _book(row, inputs, books)
    values: dict[str, Number] = {}
    classes: defaultdict[str, defaultdict[str, list[float]]]
    classes = defaultdict(lambda: defaultdict(list))
    for (product, risk_class, measure), nodes in books.items():
        sums = {node: math.fsum(amounts) for node, amounts in nodes.items()}
        if measure == "base_correlation":
            margin = _base(list(sums.values()), parameters)
        elif measure == "curvature":
            margin = curved(risk_class, sums, parameters)
        else:
            margin = linear(
                risk_class, sums, parameters, inputs.calculation_currency, is_vega=measure == "vega"
            )
        values[f"measure.{product}:{risk_class}:{measure}"] = margin
        classes[product][risk_class].append(margin)
    products: dict[str, float] = {}
    for product, parts in classes.items():
        sizes = {name: math.fsum(margins) for name, margins in parts.items()}
        for name, size in sizes.items():
            values[f"risk_class.{product}:{name}"] = size
        products[product] = _joined(sizes, parameters)
        values[f"product.{product}"] = products[product]
    standard = math.fsum(products.values())
    extra = _extra(inputs.crif, products)
    values["standard_total"] = standard
    values["add_on_total"] = extra
    values["margin_total"] = standard + extra
    return opinion("pair by pair over nested dictionaries", values)


def _book(
    row: CrifRow,
    inputs: SimmInput,
    books: defaultdict[tuple[str, str, str], defaultdict[Node, list[float]]],
) -> None:
    text = row.risk_type.lower()
    amount = float(row.amount_usd)
    if text == "risk_basecorr":
        product = _PRODUCTS[row.product_class.lower()]
        node = Node("", row.qualifier, row.qualifier, "", "")
        books[product, "credit_qualifying", "base_correlation"][node].append(amount)
    if text not in _BY_TEXT:
        return
    product = _PRODUCTS[row.product_class.lower()]
    kind = _BY_TEXT[text]
    node = _node(row, kind)
    if not kind.is_vega:
        if text != "risk_fx" or row.qualifier != inputs.calculation_currency:
            books[product, kind.risk_class, "delta"][node].append(amount)
        return
    parameters = inputs.parameters
    size = amount * _implied(kind.risk_class, row, parameters)
    history = 1.0
    if kind.risk_class == "fx":
        history = parameters.fx.historical_volatility_ratio
    elif kind.risk_class != "rates":
        history = parameters.bucketed[kind.risk_class].historical_volatility_ratio or 1.0
    books[product, kind.risk_class, "vega"][node].append(size * history)
    skipped = kind.risk_class in parameters.bucketed and (
        node.bucket in parameters.bucketed[kind.risk_class].no_curvature_buckets
    )
    if not skipped:
        number, unit = float(row.label1[:-1]), row.label1[-1].lower()
        expiry = number * (7.0 if unit == "w" else _YEAR / 12.0 if unit == "m" else _YEAR)
        share = min(0.5, float(parameters.calendar_days) / expiry / 2.0)
        books[product, kind.risk_class, "curvature"][node].append(size * share)


def _node(row: CrifRow, kind: _Kind) -> Node:
    name = row.qualifier
    match kind.risk_class:
        case "rates" if row.risk_type.lower().startswith("risk_inflation"):
            return Node(name, name, "", "", "inflation")
        case "rates" if row.risk_type.lower() == "risk_xccybasis":
            return Node(name, name, "", "", "basis")
        case "rates":
            return Node(name, name, row.label2.lower(), row.label1.lower(), "curve")
        case "fx":
            first, second = name[:3], name[3:]
            pair = second + first if second and second < first else name
            return Node("", pair, pair, "", "")
    bucket = row.bucket if row.bucket.isdigit() else row.bucket.capitalize()
    if kind.risk_class in {"equity", "commodity"}:
        return Node(bucket, name, name, "", "")
    family = name if kind.risk_class == "credit_qualifying" else row.label2.lower()
    return Node(bucket, name, family, row.label1.lower(), row.label2.lower())


def _implied(risk_class: str, row: CrifRow, parameters: SimmParameters) -> float:
    if risk_class == "rates" or risk_class.startswith("credit"):
        return 1.0
    if risk_class == "fx":
        rules = parameters.fx
        one, other = (
            rules.volatility_group.get(code, rules.default_volatility_group)
            for code in (row.qualifier[:3], row.qualifier[3:])
        )
        weight = rules.weights[one][other]
    else:
        bucket = row.bucket if row.bucket.isdigit() else row.bucket.capitalize()
        weight = parameters.bucketed[risk_class].weights[bucket]
    # The 99 % quantile, to which the delta weight of the margin period corresponds.
    return weight / (2.3263478740408408 * math.sqrt(float(parameters.calendar_days) / _YEAR))


def _base(amounts: list[float], parameters: SimmParameters) -> float:
    rules = parameters.base_correlation
    weighted = [rules.weight * amount for amount in amounts]
    total = math.fsum(
        one * other * (1.0 if i == j else rules.correlation)
        for i, one in enumerate(weighted)
        for j, other in enumerate(weighted)
    )
    return math.sqrt(max(total, 0.0))


def _joined(sizes: dict[str, float], parameters: SimmParameters) -> float:
    names = list(sizes)
    total = math.fsum(size * size for size in sizes.values())
    for number, one in enumerate(names):
        for other in names[:number]:
            psi = parameters.risk_class_correlation[one][other]
            total += 2.0 * psi * sizes[one] * sizes[other]
    return math.sqrt(max(total, 0.0))


def _extra(rows: tuple[CrifRow, ...], products: dict[str, float]) -> float:
    shares: dict[str, float] = {}
    sizes: dict[str, list[float]] = defaultdict(list)
    parts = []
    for row in rows:
        text, amount = row.risk_type.lower(), float(row.amount_usd)
        if text == "param_addonfixedamount":
            parts.append(amount)
        elif text == "param_productclassmultiplier":
            name = _PRODUCTS.get(row.qualifier.lower(), "")
            parts.append(products.get(name, 0.0) * amount - products.get(name, 0.0))
        elif text == "param_addonnotionalfactor":
            shares[row.qualifier] = amount
        elif text == "notional":
            sizes[row.qualifier].append(abs(amount))
    parts += [shares[name] * math.fsum(sizes[name]) / 100.0 for name in shares]
    return math.fsum(parts)
