"""Judge a text of any model against results: given ones, or calculators run here."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from finsvc.calculators.serialization import result_from_json
from finsvc.domain.claims import TypedClaim
from finsvc.domain.errors import InputError
from finsvc.domain.results import CalculatorResult
from finsvc.validator.entities import NameIndex
from finsvc.validator.free_text.check import TextCheck, TextReport
from finsvc.validator.free_text.evidence import gather
from finsvc.validator.validate import Confirmation, FieldCheck

# A text is an answer, not a report, and each result may cost a calculator's run.
MAX_TEXT_CHARACTERS = 20_000
MAX_RESULTS = 20

Json = Mapping[str, object]
RunCalculator = Callable[[str, Json], Json]


def _confirmation(second: object) -> Confirmation | None:
    """Read what a calculator's run says of its second method."""
    if not isinstance(second, Mapping):
        return None
    checks = {
        name: FieldCheck(
            value=Decimal(item["value"]),
            difference=Decimal(item["difference"]),
            tolerance=Decimal(item["tolerance"]),
            is_within=item["within"],
        )
        for name, item in second["fields"].items()
        if item["value"] is not None and item["difference"] is not None
    }
    return Confirmation(method=second["method"], checks=checks, failure=None)


def _inputs(item: Json, number: int) -> Json:
    inputs = item.get("inputs")
    if not isinstance(inputs, Mapping) or set(item) != {"calculator", "inputs"}:
        raise InputError(
            field=f"results.{number}",
            expected="a result's document, or a calculator's name with inputs",
            actual=", ".join(sorted(item)) or "nothing",
        )
    return inputs


def _resolve(
    item: Json, number: int, run: RunCalculator
) -> tuple[CalculatorResult, Json, Confirmation | None]:
    """A result, its inputs and its confirmation; a given result has neither of the last two.

    Nothing that a caller says of a second method counts: only one that ran here confirms.
    """
    if "fields" in item:
        given = {name: value for name, value in item.items() if name != "second"}
        return result_from_json(given), {}, None
    inputs = _inputs(item, number)
    document = dict(run(str(item["calculator"]), inputs))
    second = document.pop("second", None)
    return result_from_json(document), inputs, _confirmation(second)


def _books(results: Sequence[Json]) -> list[str]:
    """Books that the calculators' inputs name."""
    found = []
    for item in results:
        inputs = item.get("inputs")
        portfolio = inputs.get("portfolio") if isinstance(inputs, Mapping) else None
        if isinstance(portfolio, Mapping) and "book" in portfolio:
            found.append(str(portfolio["book"]))
    return found


def validate_text(text: str, results: Sequence[Json], run: RunCalculator) -> dict[str, object]:
    """Check every figure of a text.

    Args:
        text: What a model wrote.
        results: Results' documents, or ``{"calculator": NAME, "inputs": {...}}`` to run.
        run: Runs a calculator and its second method, and asks policy.

    Returns:
        The verdict, the claims with their reasons, and findings about the text as a whole. A
        given result confirms no claim: without inputs nobody can recompute it.

    Raises:
        InputError: The text or a result is wrong; the field is named.
        RefusedError: Policy does not let the caller run a calculator.
    """
    if not 0 < len(text.strip()) <= len(text) <= MAX_TEXT_CHARACTERS:
        expected = f"1 to {MAX_TEXT_CHARACTERS} characters"
        raise InputError(field="text", expected=expected, actual=str(len(text.strip())))
    if len(results) > MAX_RESULTS:
        expected = f"at most {MAX_RESULTS}"
        raise InputError(field="results", expected=expected, actual=str(len(results)))
    index = NameIndex(_books(results))
    evidence = []
    confirmations = {}
    for number, item in enumerate(results):
        name = f"c{number + 1}"
        result, inputs, confirmation = _resolve(item, number, run)
        evidence.append(gather(name, result, inputs=inputs, labels={}, index=index))
        if confirmation is not None:
            confirmations[name] = confirmation
    return _document(TextCheck(evidence, index=index, confirmations=confirmations)(text))


def _document(report: TextReport) -> dict[str, object]:
    return {
        "object": "validation",
        "verdict": report.verdict.value,
        "claims": [_claim(claim) for claim in report.claims],
        "findings": [
            {"reason": item.reason.value, "detail": item.detail} for item in report.findings
        ],
    }


def _claim(claim: TypedClaim) -> dict[str, object]:
    source = claim.source
    return {
        "text": claim.text,
        "span": list(claim.span),
        "quantity": claim.quantity,
        "entity": claim.entity,
        "period": claim.period,
        "basis": claim.basis,
        "value": f"{claim.value:f}",
        "unit": claim.unit,
        "currency": claim.currency,
        "scale": f"{claim.scale:f}",
        "source": None if source is None else {"call": source.call, "field": source.field},
        "verdict": claim.verdict.value,
        "reasons": [reason.value for reason in claim.reasons],
        "details": list(claim.details),
    }
