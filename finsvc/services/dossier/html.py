"""Pages as HTML files that need nothing else: no script, no font, no picture, good to print."""

from collections.abc import Iterable
from html import escape

from finsvc.services.dossier.pages import Block, Facts, Page, Table, Text

_STYLE = """
:root { color-scheme: light; --ink: #1b2430; --soft: #5d6b7c; --line: #d9dfe6; --band: #f4f6f9; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink);
  max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; padding-bottom: .25rem;
  border-bottom: 1px solid var(--line); }
h3 { font-size: .9rem; color: var(--soft); margin: .9rem 0 .2rem; }
p, pre { margin: .5rem 0; overflow-wrap: anywhere; }
p { white-space: pre-line; }
.under { color: var(--soft); margin: 0; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { color: var(--soft); font-weight: 600; font-size: .85rem; }
table.facts th { width: 13rem; color: var(--soft); font-weight: 500; }
pre { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--band);
  padding: .7rem .9rem; border-radius: .3rem; white-space: pre-wrap; }
summary { color: var(--soft); cursor: pointer; }
.verdict { font-weight: 600; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; }
  h2 { break-after: avoid; } tr, .facts { break-inside: avoid; } }
"""

_COLUMNS = ("Index", "Written", "Kind", "Who", "About", "Verdict")


def page_html(page: Page) -> str:
    """The file of one record."""
    body = [
        f"<h1>{escape(page.kind)} {escape(page.record_id)}</h1>",
        f'<p class="under">Record {page.index}, {escape(page.time)}</p>',
    ]
    for section in page.sections:
        body.append(f"<section><h2>{escape(section.title)}</h2>")
        body.extend(_block(block) for block in section.blocks)
        body.append("</section>")
    return _document(f"{page.kind} {page.record_id}", "\n".join(body))


def index_html(title: str, facts: Facts, rows: Iterable[tuple[str, Page]]) -> str:
    """The list of all records.

    Args:
        title: Of the page.
        facts: What was exported, from which log.
        rows: Link and page of each record.
    """
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    lines = [
        f"<h1>{escape(title)}</h1>",
        _facts(facts),
        f"<table><thead><tr>{head}</tr></thead><tbody>",
        *(_row(link, page) for link, page in rows),
        "</tbody></table>",
    ]
    return _document(title, "\n".join(lines))


def _row(link: str, page: Page) -> str:
    cells = (page.time.split(".")[0], page.kind, page.who, page.subject, page.verdict)
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><td><a href="{escape(link)}">{page.index}</a></td>{rest}</tr>'


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n"
        "</body></html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Facts():
            return _facts(block)
        case Table():
            return _table(block)
    return _text(block)


def _facts(facts: Facts) -> str:
    if not facts.rows:
        return ""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.rows
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _text(text: Text) -> str:
    shown = f"<pre>{escape(text.text)}</pre>" if text.is_exact else f"<p>{escape(text.text)}</p>"
    if text.is_long:
        return f"<details><summary>{escape(text.label)}</summary>{shown}</details>"
    return f"<h3>{escape(text.label)}</h3>{shown}" if text.label else shown
