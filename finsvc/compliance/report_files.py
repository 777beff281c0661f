"""The files of a report: JSON with all provenance, CSV for spreadsheets, a manifest of digests."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping

from finsvc.calculators.comparison import Comparison
from finsvc.calculators.serialization import result_to_json
from finsvc.compliance.reports import Report, Section
from finsvc.domain.results import Quantity

JSON_FILE = "report.json"
CSV_FILE = "report.csv"
MANIFEST_FILE = "manifest.json"

_COLUMNS = (
    "section",
    "figure",
    "label",
    "value",
    "unit",
    "as_of",
    "calculator",
    "version",
    "method",
    "inputs_digest",
    "second_method",
    "second_value",
    "difference",
    "tolerance",
    "confirmed",
)


def _comparison(item: Comparison | None) -> dict[str, object]:
    """JSON form of the second method's word on a figure; decimals as text."""
    if item is None:
        return {"value": None, "difference": None, "tolerance": None, "within": False}
    return {
        "value": None if item.second is None else f"{item.second:f}",
        "difference": None if item.difference is None else f"{item.difference:f}",
        "tolerance": f"{item.tolerance:f}",
        "within": item.within,
    }


def _section_document(section: Section) -> dict[str, object]:
    return {
        "section": section.run.section,
        "confirmed": section.is_confirmed,
        "inputs": dict(section.run.inputs),
        "result": result_to_json(section.result),
        "second": {
            "method": section.second_method,
            "failure": section.failure,
            "fields": {
                name: _comparison(section.comparisons.get(name)) for name in section.result.fields
            },
        },
    }


def report_document(report: Report, *, report_id: str, created: str) -> dict[str, object]:
    """The whole report as one JSON document."""
    return {
        "report_id": report_id,
        "report": report.definition.name,
        "title": report.definition.title,
        "book": report.book,
        "as_of": report.as_of.isoformat(),
        "created": created,
        "data_snapshot": report.snapshot,
        "confirmed": report.is_confirmed,
        "sections": [_section_document(section) for section in report.sections],
    }


def _row(section: Section, name: str, quantity: Quantity) -> dict[str, str]:
    result = section.result
    second = _comparison(section.comparisons.get(name))
    return {
        "section": section.run.section,
        "figure": name,
        "label": result.labels.get(name, ""),
        "value": f"{quantity.value:f}",
        "unit": quantity.unit,
        "as_of": result.as_of.isoformat(),
        "calculator": result.calculator,
        "version": result.version,
        "method": result.method,
        "inputs_digest": result.inputs_digest,
        "second_method": section.second_method,
        "second_value": str(second["value"] or ""),
        "difference": str(second["difference"] or ""),
        "tolerance": str(second["tolerance"] or ""),
        "confirmed": "yes" if second["within"] else "no",
    }


def report_csv(report: Report) -> str:
    """One line a figure, lines ended as RFC 4180 asks."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    for section in report.sections:
        for name, quantity in section.result.fields.items():
            writer.writerow(_row(section, name, quantity))
    return text.getvalue()


def report_files(report: Report, *, report_id: str, created: str) -> dict[str, bytes]:
    """Every file by name, the manifest last: a folder with a manifest holds a whole report."""
    document = report_document(report, report_id=report_id, created=created)
    files = {
        JSON_FILE: (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode(),
        CSV_FILE: report_csv(report).encode(),
    }
    manifest = {"report_id": report_id, "files": file_digests(files)}
    files[MANIFEST_FILE] = (json.dumps(manifest, indent=1) + "\n").encode()
    return files


def file_digests(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """Length in bytes and SHA-256 of every file."""
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
