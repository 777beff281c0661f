"""``finsvc audit export`` and ``law``: records for a regulator, and what asks for them."""

from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, search
from finsvc.compliance.record_law import law_page


def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
    *,
    who: search.Who = None,
    client: search.ClientOf = None,
    session: search.Session = None,
    purpose: search.Purpose = None,
    book: search.Book = None,
    verdict: search.VerdictOf = None,
    tool: search.Tool = None,
    number: search.Number = None,
    since: search.Since = None,
    until: search.Until = None,
    pdf: Annotated[
        bool | None,
        typer.Option("--pdf/--no-pdf", help="Pages to print; by default up to 1,000 records."),
    ] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Write records with their proofs as JSON lines, HTML and PDF, with a manifest and a verifier.

    All records, or those that meet what is given. Nothing of finsvc is needed to read or check it.

    For example:

      finsvc audit export ./for-the-auditor --from 2026-03-01T00:00Z --to 2026-04-01T00:00Z
    """
    terms = {
        "who": who,
        "client": client,
        "session": session,
        "purpose": purpose,
        "book": book,
        "verdict": verdict,
        "tool": tool,
        "number": number,
    }
    document = lazy.local_log().export(
        common.load_settings(), directory, search.wanted(terms, since, until), with_pdf=pdf
    )
    if as_json:
        output.emit_json(document)
    else:
        output.out.print(f"{document['records']} records in {document['folder']}", markup=False)


def law() -> None:
    """Print which clause of which law each part of the record answers, as Markdown.

    For example:

      finsvc audit law > law.md
    """
    output.out.print(law_page(), markup=False, highlight=False, soft_wrap=True, end="")
