"""``finsvc validate``: the validator alone, on a text of any model."""

from typing import Annotated

import typer

from finsvc.commands import common, lazy, output
from finsvc.commands.calc import read_document
from finsvc.commands.output import ExitCode
from finsvc.domain.errors import InputError

_GOOD = ("verified", "verified_rounded")


def validate(
    file: Annotated[str, typer.Argument(help="JSON file with text and results, or -.")],
    as_json: common.JsonFlag = False,
) -> None:
    """Judge every figure of a text against results or calculators run here.

    For example:

      echo '{"text": "Apple closed at 125.67 USD.", "results": [{"calculator": "close",
      "inputs": {"instrument": "AAPL", "as_of": "2022-12-28"}}]}' > said.json

      finsvc validate said.json
    """
    document = read_document(file)
    text, results = document.get("text"), document.get("results", [])
    if not isinstance(text, str):
        raise InputError(field="text", expected="a text", actual=type(text).__name__)
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise InputError(field="results", expected="a list of objects", actual=repr(results)[:80])
    settings = common.load_settings()
    found = lazy.local_data().validate_text(settings, output.progress, text=text, results=results)
    if as_json:
        output.emit_json(found)
    else:
        lines = [f"Verdict: {found['verdict']}"]
        claims, findings = found["claims"], found["findings"]
        for claim in claims if isinstance(claims, list) else ():
            details = "; ".join(claim["details"])
            named = f"{claim['text']} ({claim['quantity'] or 'unnamed'}): {claim['verdict']}"
            lines.append(f"  {named}{': ' if details else ''}{details}")
        for finding in findings if isinstance(findings, list) else ():
            lines.append(f"  {finding['reason']}: {finding['detail']}")
        output.out.print("\n".join(lines), markup=False)
    if found["verdict"] not in _GOOD:
        raise typer.Exit(ExitCode.WITHHELD)
