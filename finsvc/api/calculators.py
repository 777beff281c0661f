"""``/v1/calculators``: every calculator directly, with its JSON Schemas."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, JsonValue

from finsvc.api.context import CallerOf, Context
from finsvc.calculators import registry
from finsvc.calculators.plots.documents import plot_document
from finsvc.calculators.plots.drawings import PlotFormat
from finsvc.services.documents import calculator_document, calculator_summary

router = APIRouter(prefix="/v1/calculators")

_MEDIA_TYPES = {PlotFormat.SVG: "image/svg+xml", PlotFormat.PNG: "image/png"}


class ExplainBody(BaseModel):
    """Inputs of two runs and the field whose difference is explained, the headline unless told."""

    model_config = ConfigDict(extra="forbid")

    before: dict[str, JsonValue]
    after: dict[str, JsonValue]
    field: str | None = None


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


@router.post("/{name}/plot")
async def plot_calculator(
    name: str,
    inputs: dict[str, JsonValue],
    context: Context,
    by: CallerOf,
    file_format: Annotated[PlotFormat, Query(alias="format")] = PlotFormat.SVG,
) -> Response:
    """Run a calculator and draw its result."""
    calculate = context.services.calculate

    def run() -> bytes:
        return plot_document(calculate(name, inputs, by.principal), file_format)

    picture = await context.admission.run(run)
    return Response(content=picture, media_type=_MEDIA_TYPES[file_format])


@router.post("/{name}/explain")
async def explain_calculator(
    name: str, body: ExplainBody, context: Context, by: CallerOf
) -> dict[str, object]:
    """Tell which inputs moved a result between two runs."""
    calculate = context.services.calculate
    return await context.admission.run(
        lambda: calculate.explain(name, body.before, body.after, by.principal, field=body.field)
    )
