"""Large inputs of the capital calculators for speed and sweeps, the same for the same size."""

import random

from tests.finsvc.calculators.capital.cases import HEAD, simm_parameters

_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "SEK", "BRL", "ZAR")
_BUCKETS = {
    "csr_nonsec": 18,
    "csr_sec_ctp": 16,
    "csr_sec_nonctp": 25,
    "equity": 13,
    "commodity": 11,
}
_OPTION_TENORS = ("0.5", "1", "3", "5", "10")
_RATE_TENORS = ("0.25", "0.5", "1", "2", "3", "5", "10", "15", "20", "30")


def _amount(draw: random.Random) -> str:
    return f"{draw.uniform(-1e6, 1e6):.2f}"


def sensitivities(count: int) -> dict[str, object]:
    """FRTB sensitivities of every class and measure; names grow with the count."""
    draw = random.Random(count)
    names = max(4, count // 200)
    rows = [_sensitivity(f"s{number}", names, draw) for number in range(count)]
    return {**HEAD, "sensitivities": rows}


def _sensitivity(name: str, names: int, draw: random.Random) -> dict[str, object]:
    risk_class = draw.choice((*_BUCKETS, "girr", "fx"))
    measure = draw.choice(("delta", "delta", "vega"))
    row: dict[str, object] = {
        "id": name,
        "risk_class": risk_class,
        "measure": measure,
        "amount": _amount(draw),
    }
    if measure == "vega":
        row["option_tenor_years"] = draw.choice(_OPTION_TENORS)
    if risk_class == "girr":
        tenors = _OPTION_TENORS if measure == "vega" else _RATE_TENORS
        row |= {"bucket": draw.choice(_CURRENCIES), "tenor_years": draw.choice(tenors)}
        return row | {"name": draw.choice("abcd")}
    if risk_class == "fx":
        bucket = draw.choice(("USD", "GBP", "BRL", "PLN"))
        return row | {"bucket": bucket + ("EUR" if measure == "vega" else "")}
    kinds = {"equity": ("spot", "repo"), "commodity": ("A", "B", "C")}
    row |= {
        "bucket": str(draw.randint(1, _BUCKETS[risk_class])),
        "name": f"n{draw.randrange(names)}",
        "kind": draw.choice(kinds.get(risk_class, ("bond", "cds"))),
    }
    if measure == "delta" and risk_class != "equity":
        row["tenor_years"] = draw.choice(_OPTION_TENORS)
    return row


def trades(count: int) -> dict[str, object]:
    """Derivatives of every asset class in netting sets of a hundred, a third margined."""
    draw = random.Random(count)
    sets = [
        {"id": f"n{number}", "collateral": "1000"}
        | ({"margin": {"risk_period_days": 10}} if number % 3 == 0 else {})
        for number in range(max(1, count // 100))
    ]
    rows = [_trade(f"t{number}", len(sets), draw) for number in range(count)]
    return {**HEAD, "netting_sets": sets, "trades": rows}


def _trade(name: str, num_sets: int, draw: random.Random) -> dict[str, object]:
    years = f"{draw.uniform(0.1, 20):.2f}"
    row: dict[str, object] = {
        "id": name,
        "netting_set": f"n{draw.randrange(num_sets)}",
        "notional": f"{draw.uniform(1, 1e6):.2f}",
        "market_value": f"{draw.uniform(-1e4, 1e4):.2f}",
        "direction": draw.choice(("long", "short")),
        "maturity_years": years,
    }
    match draw.choice(("rates", "fx", "credit", "equity", "commodity")):
        case "rates":
            row |= {"asset_class": "interest_rate", "reference": draw.choice(_CURRENCIES)}
            row["end_years"] = years
        case "fx":
            row |= {"asset_class": "fx", "reference": f"EUR-{draw.choice(_CURRENCIES)}"}
        case "credit":
            row |= {"asset_class": "credit_single", "reference": f"c{draw.randrange(50)}"}
            row |= {"rating": "BBB", "end_years": years}
        case "equity":
            row |= {"asset_class": "equity_single", "reference": f"e{draw.randrange(50)}"}
        case _:
            row |= {"asset_class": "commodity", "reference": f"m{draw.randrange(9)}"}
            row["commodity"] = draw.choice(("energy", "metals", "electricity"))
    if row["asset_class"] != "credit_single" and draw.random() < 0.2:
        strike = f"{draw.uniform(0.8, 1.2):.4f}"
        expiry = f"{draw.uniform(0, 2):.2f}"
        kind = draw.choice(("call", "put"))
        row["option"] = {"option_type": kind, "price": "1", "strike": strike}
        row["option"] |= {"expiry_years": expiry}  # type: ignore[operator] # a dict, set above
    return row


def crif(count: int) -> dict[str, object]:
    """A CRIF of every risk type; names grow with the count."""
    draw = random.Random(count)
    names = max(4, count // 20)
    return {
        "as_of": "2023-06-30",
        "calculation_currency": "USD",
        "isda_licence": "held",
        "parameters": simm_parameters(),
        "crif": [_crif_row(names, draw) for _ in range(count)],
    }


def _crif_row(names: int, draw: random.Random) -> dict[str, str]:
    kind = draw.choice(("IRCurve", "IRVol", "FX", "FXVol", "CreditQ", "Equity", "EquityVol"))
    row = {"risk_type": f"Risk_{kind}", "amount_usd": _amount(draw)}
    name = f"ISIN{draw.randrange(names)}"
    tenor = draw.choice(("2w", "3m", "1y", "5y", "10y"))
    if kind in {"IRCurve", "IRVol"}:
        row |= {"product_class": "RatesFX", "qualifier": draw.choice(_CURRENCIES)}
        return row | {"label1": tenor, "label2": draw.choice(("OIS", "Libor3m"))}
    if kind in {"FX", "FXVol"}:
        pair = f"EUR{draw.choice(_CURRENCIES)}"
        return row | {
            "product_class": "RatesFX",
            "qualifier": pair if kind == "FXVol" else pair[3:],
            "label1": tenor,
        }
    if kind == "CreditQ":
        row |= {"product_class": "Credit", "label1": draw.choice(("1y", "5y"))}
        return row | {"qualifier": name, "bucket": str(draw.randint(1, 12))}
    return row | {
        "product_class": "Equity",
        "qualifier": name,
        "bucket": str(draw.randint(1, 12)),
        "label1": tenor,
    }
