"""Inputs of initial margin from a CRIF, by a model of ISDA's SIMM form."""

import csv
import io
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from finsvc.calculators.inputs.base import CalculatorInput, Currency, DateText, NumberText
from finsvc.calculators.inputs.capital.simm_rules import SimmParameters

_COLUMNS = {
    "productclass": "product_class",
    "risktype": "risk_type",
    "qualifier": "qualifier",
    "bucket": "bucket",
    "label1": "label1",
    "label2": "label2",
    "amountusd": "amount_usd",
    "amount": "amount",
}
_DELIMITERS = "\t,;|"
_EIGHT_PLACES = Decimal("1e-8")


class CrifRow(BaseModel):
    """One row of a CRIF; names and contents are those of the format, case is kept.

    ``amount_usd`` is a sensitivity, notional or fixed amount in USD, or the number of a parameter
    row (product class multiplier, notional factor in percent).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    product_class: str = ""
    risk_type: str
    qualifier: str = ""
    bucket: str = ""
    label1: str = ""
    label2: str = ""
    amount_usd: NumberText


def read_crif(value: object) -> object:
    """Read the text of a CRIF file; anything else passes to the model of a row.

    The first line names the columns (``RiskType``, ``AmountUSD`` …, in any order and case);
    tabulators, commas, semicolons and bars separate. Further columns do not count. Amounts are
    rounded to eight places.

    Raises:
        ValueError: a column is missing or an amount is no number; names the row.
    """
    if not isinstance(value, str):
        return value
    first = value.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    lines = csv.reader(io.StringIO(value), delimiter=delimiter)
    header = [_COLUMNS.get(name.strip().lower().replace("_", ""), "") for name in next(lines, [])]
    if "risk_type" not in header or not {"amount_usd", "amount"} & set(header):
        raise ValueError("expected columns RiskType and AmountUSD in the first line")
    rows = []
    for number, line in enumerate(lines, start=1):
        if not any(line):
            continue
        row = {name: cell.strip() for name, cell in zip(header, line, strict=False) if name}
        amount = row.pop("amount", "")
        amount = row.pop("amount_usd", "") or amount
        rows.append({**row, "amount_usd": _amount(amount, number)})
    return rows


def _amount(text: str, number: int) -> Decimal:
    try:
        value = Decimal(text)
        if value.is_finite():
            return value.quantize(_EIGHT_PLACES)
    except InvalidOperation:
        pass
    raise ValueError(f"expected an amount in row {number} of the CRIF, got {text!r}")


class SimmInput(CalculatorInput):
    """Inputs of initial margin.

    ``crif`` is a list of rows or the text of a CRIF file; rows are counted from one.
    ``isda_licence`` states that the operator holds the licence of the model: without it nothing is
    computed. Amounts are in USD; ``calculation_currency`` has no exchange rate risk.
    """

    as_of: DateText
    calculation_currency: Currency
    isda_licence: Literal["held"]
    parameters: SimmParameters
    crif: Annotated[tuple[CrifRow, ...], BeforeValidator(read_crif)]
