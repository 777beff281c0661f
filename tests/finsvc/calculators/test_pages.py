import inspect
from pathlib import Path

import pytest

from finsvc.calculators.calculator import FieldSpec
from finsvc.calculators.pages import _field_row, pages, write
from finsvc.calculators.registry import CALCULATORS
from finsvc.calculators.tolerances import EXACT
from tests.data import ROOT

PRICING = "finsvc.calculators.pricing"
FOLDER = ROOT / "docs" / "calculators"
COMMAND = "finsvc calc pages docs/calculators"


def test_pages_are_current() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    wanted = pages()
    stale = sorted(
        name for name in written.keys() | wanted.keys() if written.get(name) != wanted.get(name)
    )
    assert stale == [], f"run {COMMAND}"


@pytest.mark.parametrize("name", sorted(CALCULATORS))
def test_page_has_formula_convention_source_tolerance_and_second_method(name: str) -> None:
    text = pages()[f"{name}.md"]
    for part in ("## Formula\n\n", "## Conventions\n\n", "## Results\n", "## Second method\n"):
        body = text.partition(part)[2].partition("\n## ")[0].strip()
        assert len(body) > 10, part
    # Pricing names its sources in the docstrings of its formulas, which pages do not reach yet.
    if not inspect.unwrap(CALCULATORS[name].compute).__module__.startswith(PRICING):
        assert "Source: " in text
    assert f"Version {CALCULATORS[name].version}." in text
    for spec in CALCULATORS[name].outputs:
        assert _field_row(spec)[4]


def test_pages_of_nothing_are_removed(tmp_path: Path) -> None:
    (tmp_path / "astrology.md").write_text("old")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(pages())


def test_field_row_tells_a_table_from_a_value() -> None:
    spec = FieldSpec(name="a", unit="1", meaning="A.", tolerance=EXACT, is_table=True)
    assert _field_row(spec) == ("`a.*`", "1", "A.", "where defined", "exact")
