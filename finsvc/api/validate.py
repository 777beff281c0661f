"""``/v1/validate``: the validator alone, for texts of any model."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, JsonValue

from finsvc.api.context import CallerOf, Context
from finsvc.api.schemas import Body
from finsvc.services.validate_text import Json, validate_text

router = APIRouter()


class ValidateBody(Body):
    """A text and what it is judged by: results, or calculators with inputs."""

    text: str
    results: Annotated[list[dict[str, JsonValue]], Field(default_factory=list)]


@router.post("/v1/validate")
async def validate(body: ValidateBody, context: Context, by: CallerOf) -> dict[str, object]:
    """Judge every figure of a text."""
    calculate = context.services.calculate

    def run(name: str, inputs: Json) -> Json:
        return calculate(name, inputs, by.principal)

    return await context.admission.run(lambda: validate_text(body.text, body.results, run))
