"""Snapshot, books and calculators in this process, without lock and model.

Books are files that are written whole and read on every use, so this works beside a service.
"""

from collections.abc import Sequence
from pathlib import Path

from finsvc.adapters.policies import CedarPolicies
from finsvc.calculators import registry
from finsvc.commands.backend import Json, Say
from finsvc.data import LOCAL_PRINCIPAL, open_data
from finsvc.services.calculate import Calculate
from finsvc.services.validate_text import validate_text as judge_text
from finsvc.settings import Settings


def run_calculator(settings: Settings, say: Say, *, name: str, inputs: Json) -> Json:
    """Run a calculator and its second method as the local user.

    Raises:
        InputError: An input is wrong; the field is named.
    """
    registry.calculator(name)
    return _calculate(settings, say)(name, inputs, LOCAL_PRINCIPAL)


def explain_calculator(
    settings: Settings, say: Say, *, name: str, documents: tuple[Json, Json], field: str | None
) -> Json:
    """Tell which inputs moved a calculator's result, as the local user.

    Raises:
        InputError: An input is wrong; the field is named.
    """
    registry.calculator(name)
    before, after = documents
    calculate = _calculate(settings, say)
    return calculate.explain(name, before, after, LOCAL_PRINCIPAL, field=field)


def validate_text(settings: Settings, say: Say, *, text: str, results: Sequence[Json]) -> Json:
    """Judge a text against results, or calculators run as the local user.

    Raises:
        InputError: The text or a result is wrong; the field is named.
    """
    calculate = _calculate(settings, say)
    return judge_text(text, results, lambda name, given: calculate(name, given, LOCAL_PRINCIPAL))


def _calculate(settings: Settings, say: Say) -> Calculate:
    data = open_data(settings, say)
    return Calculate(
        market=data.market,
        second_market=data.second_market,
        policy=CedarPolicies(settings.data_dir / "bundles"),
        inline_books=data.inline_books,
    )


def books(settings: Settings, say: Say) -> list[Json]:
    """All books with the number of their positions and limits."""
    shelf = open_data(settings, say).books
    loaded = [shelf.load(name) for name in shelf.names()]
    return [
        {
            "name": book.name,
            "label": book.portfolio.label,
            "positions": len(book.portfolio.positions),
            "limits": len(book.limits),
        }
        for book in loaded
    ]


def import_book(
    settings: Settings, say: Say, *, file: Path, name: str, limits: Path | None, replace: bool
) -> Json:
    """Check a book and put it on the shelf; all of it or nothing.

    Raises:
        InputError: The file is wrong, its row and column named, or the name is taken.
    """
    shelf = open_data(settings, say).books
    stored = shelf.import_csv(file, name, limits=limits, replace=replace)
    book = shelf.load(stored)
    return {
        "name": book.name,
        "label": book.portfolio.label,
        "positions": len(book.portfolio.positions),
        "limits": len(book.limits),
    }
