"""``/v1/calculators``: every calculator directly, with its JSON Schemas."""

from fastapi import APIRouter
from pydantic import JsonValue

from finsvc.api.context import CallerOf, Context
from finsvc.calculators import registry
from finsvc.services.documents import calculator_document, calculator_summary

router = APIRouter(prefix="/v1/calculators")


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
