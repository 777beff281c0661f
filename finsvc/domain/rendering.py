"""How a quantity is printed: one place, so that the answer and the claims say the same."""

from decimal import ROUND_HALF_EVEN, Decimal

from finsvc.domain.results import CalculatorResult, Quantity

# Reference that stands for a sentence about all that a result says.
WHOLE_RESULT = "result"
# Rows of a result's main table that its sentence states; the others can be cited by name.
_SENTENCE_ROWS_MAX = 20


def round_to(value: Decimal, decimals: int) -> Decimal:
    """Round half to even at ``decimals`` places; negative zero becomes zero."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    return abs(rounded) if rounded.is_zero() else rounded


def format_quantity(value: Decimal, unit: str, decimals: int) -> str:
    """Print a value with thousands separators and its unit: ``48,212 USD``, ``12.3%``, ``0.83``."""
    number = f"{round_to(value, decimals):,f}"
    if unit == "%":
        return f"{number}%"
    return number if unit == "1" else f"{number} {unit}"


def table_rows(result: CalculatorResult, table: str) -> dict[str, Quantity]:
    """Rows of a table by field name, in the result's order; empty when there is no such table."""
    prefix = f"{table}."
    return {name: item for name, item in result.fields.items() if name.startswith(prefix)}


def row_label(result: CalculatorResult, field: str) -> str:
    """Display name of a table's row: its label, or what follows the table's name."""
    return result.labels.get(field, field.split(".", 1)[1])


def sentence_fields(result: CalculatorResult) -> list[str]:
    """Fields that the sentence about a result states: its headline first, then its other scalars.

    Where the headline is a table its first rows come first.
    """
    scalars = [name for name in result.fields if "." not in name and name != result.headline]
    rows = list(table_rows(result, result.headline))[:_SENTENCE_ROWS_MAX]
    return [*([result.headline] if result.headline in result.fields else rows), *scalars]


def sentence_name(result: CalculatorResult, field: str) -> str:
    """What a sentence calls a field: ``clean price``, ``weight AAPL``."""
    table, _, _ = field.partition(".")
    name = table.replace("_", " ")
    return name if field == table else f"{name} {row_label(result, field)}"
