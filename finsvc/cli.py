"""The command line's entry: puts the commands together and turns every error into an exit code."""

import sys
from collections.abc import Sequence
from typing import cast

import typer

from finsvc.commands import approvals, ask, audit, book, calc, model, output, report, validate
from finsvc.commands.output import ExitCode

_HELP = """Checked, signed and replayable answers for regulated finance.

Ask a desk question; every number of the answer is computed by a calculator, confirmed by a second
one, allowed by policy and signed into a log that can be verified and re-executed.

Start here:

  finsvc ask "What is the 10-day 99% VaR of the sample book?"

  finsvc serve

  finsvc audit verify

Exit codes: 0 answered, 2 bad input, 3 withheld, 4 verification or replay failed, 5 internal error.
State lives in FINSVC_DATA_DIR (default ~/.local/share/finsvc).
"""

_INTERRUPTED = 130

# Usage errors of the command line parser: its own class is private, this base of a public one not.
_UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])

app = typer.Typer(
    help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
app.command()(ask.ask)
app.command()(ask.serve)
app.command()(validate.validate)
app.command("key")(approvals.create_key)
app.add_typer(calc.app, name="calc")
app.add_typer(report.app, name="report")
app.add_typer(book.app, name="book")
app.add_typer(audit.app, name="audit")
app.add_typer(model.app, name="model")
app.add_typer(approvals.app, name="approvals")


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; nothing is raised."""
    as_json = "--json" in arguments
    try:
        result = app(args=list(arguments), prog_name="finsvc", standalone_mode=False)
    except typer.Abort:
        return _INTERRUPTED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else ExitCode.INTERNAL
    except _UsageError as error:
        output.report_message("invalid_usage", _sentence(error), None, as_json=as_json)
        return ExitCode.BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the top-level handler: no stack trace leaves
        return output.report_error(error, as_json=as_json)
    return result if isinstance(result, int) else ExitCode.OK


def main() -> None:
    """Entry point of the program."""
    sys.exit(run(sys.argv[1:]))


def _sentence(error: Exception) -> str:
    formatted = getattr(error, "format_message", None)
    return str(formatted()) if callable(formatted) else str(error)


if __name__ == "__main__":
    main()
