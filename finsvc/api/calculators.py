"""``/v1/calculators``: every calculator directly, with its JSON Schemas."""

from fastapi import APIRouter
from pydantic import JsonValue

from finsvc.api.context import CallerOf, Context
from finsvc.calculators import registry
from finsvc.calculators.calculator import Calculator

router = APIRouter(prefix="/v1/calculators")


def calculator_summary(calculator: Calculator) -> dict[str, object]:
    """What a list of calculators says of one."""
    return {
        "name": calculator.name,
        "version": calculator.version,
        "summary": calculator.summary,
        "second_method": calculator.second_kind.value,
    }


def calculator_document(calculator: Calculator) -> dict[str, object]:
    """A calculator with its schemas."""
    return {
        **calculator_summary(calculator),
        "digest": calculator.digest,
        "input_schema": calculator.input_schema,
        "output_schema": calculator.output_schema,
    }


@router.get("")
def list_calculators(by: CallerOf) -> dict[str, object]:
    """All calculators."""
    data = [calculator_summary(calculator) for calculator in registry.CALCULATORS.values()]
    return {"object": "list", "data": data}


@router.get("/{name}")
def get_calculator(name: str, by: CallerOf) -> dict[str, object]:
    """One calculator with its schemas."""
    return calculator_document(registry.calculator(name))


@router.post("/{name}")
async def run_calculator(
    name: str, inputs: dict[str, JsonValue], context: Context, by: CallerOf
) -> dict[str, object]:
    """Run a calculator and its second method."""
    calculate = context.services.calculate
    return await context.admission.run(lambda: calculate(name, inputs, by.principal))
