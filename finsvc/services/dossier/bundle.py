"""What a regulator is handed: the records with their proofs, pages for people, a verifier.

Everything is made from `records.jsonl`, line by line, so that nothing is shown that is not there.
`manifest.json` names log, key, range and the digest of every file.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from finsvc.services.dossier.contents import page_of
from finsvc.services.dossier.html import index_html, page_html
from finsvc.services.dossier.pages import Facts, Page
from finsvc.services.dossier.pdf import write_pdf
from finsvc.services.dossier.reading import Json, Prompts, mapping, text

RECORDS = "records.jsonl"
VERIFIER = "verify.py"
_PAGES = "pages"
_APPROVAL = ":approval:"

# Prompts and inputs of more would fill shelves; they are in the other forms.
_FULL_RECORDS_MAX = 100

_README = """\
Records of the log {origin}, {count} of them, of which the highest index is {last}.

  records.jsonl  the records: signed bytes, readable content, proof; a line each
  index.html     a list of the records, with a page for each in pages/
  records.pdf    the same pages to print
  manifest.json  what was asked for, and the SHA-256 of every file
  verify.py      checks records.jsonl without any network; needs Python 3.11 and `cryptography`

To check that these records are in the log, unchanged, and that their contents are what was signed:

  python verify.py receipt records.jsonl --key KEY

KEY is the log's public key; have it from the operator on another way than this folder:

  {vkey}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An export that was written; lengths in records and sheets of paper."""

    folder: Path
    num_records: int
    num_sheets: int
    manifest: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleParts:
    """What a bundle is made with.

    Attributes:
        prompts: Gives prompts their words.
        verifier: Source of the stand-alone verifier.
        asked: What was asked for: range and search, as it goes into the manifest.
        with_pdf: Whether the pages are printed too.
    """

    prompts: Prompts
    verifier: bytes
    asked: Mapping[str, object]
    with_pdf: bool = True


def write_bundle(folder: Path, parts: BundleParts) -> Bundle:
    """Make everything else from the `records.jsonl` that lies in a folder.

    Raises:
        OSError: A file cannot be written.
    """
    records = folder / RECORDS
    header, approvals, num_lines = _survey(records)
    (folder / _PAGES).mkdir(exist_ok=True)
    (folder / VERIFIER).write_bytes(parts.verifier)
    rows: list[tuple[str, Page]] = []

    def pages() -> Iterator[Page]:
        for line in _lines(records):
            page = page_of(line, approvals, parts.prompts)
            link = f"{_PAGES}/{page.index:09d}.html"
            (folder / link).write_text(page_html(page), encoding="utf-8")
            # The list needs no sections; ten thousand pages of them would not fit in memory.
            rows.append((link, _summary(page)))
            yield page

    title = f"Records of {text(header, 'origin')}"
    if parts.with_pdf:
        is_full = num_lines <= _FULL_RECORDS_MAX
        num_sheets = write_pdf(folder / "records.pdf", title, pages(), is_full=is_full)
    else:
        num_sheets = sum(0 for _ in pages())
    facts = Facts(
        rows=(
            ("Log", text(header, "origin")),
            ("Public key", text(header, "vkey")),
            ("Records", str(len(rows))),
            ("How to check", f"python {VERIFIER} receipt {RECORDS} --key KEY"),
        )
    )
    (folder / "index.html").write_text(index_html(title, facts, rows), encoding="utf-8")
    last = rows[-1][1].index if rows else None
    readme = _README.format(
        origin=text(header, "origin"), count=len(rows), last=last, vkey=text(header, "vkey")
    )
    (folder / "README.txt").write_text(readme, encoding="utf-8")
    manifest = {
        "log": text(header, "origin"),
        "vkey": text(header, "vkey"),
        "checkpoint": text(header, "checkpoint"),
        "asked": dict(parts.asked),
        "records": len(rows),
        "first_index": rows[0][1].index if rows else None,
        "last_index": last,
        "files": _digests(folder),
    }
    document = json.dumps(manifest, indent=1, sort_keys=True)
    (folder / "manifest.json").write_text(document + "\n", encoding="utf-8")
    return Bundle(folder=folder, num_records=len(rows), num_sheets=num_sheets, manifest=manifest)


def _summary(page: Page) -> Page:
    return Page(
        index=page.index,
        record_id=page.record_id,
        kind=page.kind,
        time=page.time,
        who=page.who,
        verdict=page.verdict,
        subject=page.subject,
        sections=(),
    )


def _survey(records: Path) -> tuple[Json, dict[str, list[Json]], int]:
    """The header, approvals by decision, which may stand far behind it, and the number of lines."""
    with records.open(encoding="utf-8") as file:
        header: Json = json.loads(file.readline())
        num_lines = sum(1 for _ in file)
    approvals: dict[str, list[Json]] = {}
    for line in _lines(records, only=_APPROVAL):
        decision_id = text(mapping(line, "content"), "decision_id")
        if decision_id:
            approvals.setdefault(decision_id, []).append(line)
    return header, approvals, num_lines


def _lines(records: Path, *, only: str = "") -> Iterator[Json]:
    with records.open(encoding="utf-8") as file:
        file.readline()
        for text_line in file:
            if only in text_line:
                line: Json = json.loads(text_line)
                if only in text(line, "type"):
                    yield line


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
