"""Calculators and reports by name: schemas need no market data."""

from pathlib import Path

from finsvc.calculators import pages, registry
from finsvc.calculators.plots.documents import format_of, plot_document
from finsvc.commands.backend import Json
from finsvc.domain.errors import InputError
from finsvc.services.documents import calculator_document, calculator_summary, report_definitions


def calculators() -> list[Json]:
    """Summaries of all calculators."""
    return [calculator_summary(entry) for entry in registry.CALCULATORS.values()]


def calculator(name: str) -> Json:
    """One calculator with its schemas.

    Raises:
        UnknownNameError: There is none of that name.
    """
    return calculator_document(registry.calculator(name))


def reports() -> list[Json]:
    """All reports."""
    return list(report_definitions())


def check_picture(file_name: str) -> None:
    """Refuse a file name whose ending is no picture format, before anything runs.

    Raises:
        InputError: The ending is none of the formats.
    """
    format_of(file_name)


def picture(result: Json, file_name: str) -> bytes:
    """Draw a result in the format of the file's ending.

    Raises:
        InputError: Results of the calculator have no picture.
    """
    return plot_document(result, format_of(file_name))


def write_pages(folder: Path) -> None:
    """Write a page for each calculator and remove those of calculators that are gone.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        pages.write(folder)
    except OSError as error:
        raise InputError(field="folder", expected="a writable folder", actual=str(error)) from error
