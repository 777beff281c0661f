import pytest

from finsvc.calculators.plots.documents import format_of, plot_document
from finsvc.calculators.plots.drawings import BARS_MAX, DRAWINGS, PlotFormat, plot
from finsvc.calculators.registry import CALCULATORS, calculator
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.domain.results import CalculatorResult
from tests.finsvc.calculators.factories import book, mixed_book, option, run
from tests.finsvc.calculators.test_registry import REAL_CASES
from tests.finsvc.marketdata.factories import real_market

DRAWN = [(name, document) for name, document in REAL_CASES if name in DRAWINGS]


def result_of(name: str, document: object) -> CalculatorResult:
    entry = calculator(name)
    return entry.run(entry.parse(document), real_market())


@pytest.mark.parametrize(("name", "document"), DRAWN)
def test_picture_is_a_file_of_its_format_with_equal_bytes(name: str, document: object) -> None:
    result = result_of(name, document)
    svg = plot(result, PlotFormat.SVG)
    assert svg == plot(result, PlotFormat.SVG)
    assert b"<svg" in svg
    assert svg.rstrip().endswith(b"</svg>")
    assert result.as_of.isoformat() in svg.decode()


def test_picture_as_png_has_its_signature() -> None:
    name, document = DRAWN[0]
    assert plot(result_of(name, document), PlotFormat.PNG).startswith(b"\x89PNG\r\n")


def test_every_drawing_belongs_to_a_calculator_with_a_case() -> None:
    assert set(DRAWINGS) <= set(CALCULATORS)
    assert {name for name, _ in DRAWN} == set(DRAWINGS)


def test_backtest_shows_one_point_for_each_exception() -> None:
    document = next(document for name, document in DRAWN if name == "book_backtest")
    result = result_of("book_backtest", document)
    curves = DRAWINGS["book_backtest"](result).curves
    assert len(curves[2].x) == int(result.fields["exceptions"].value)
    assert len(curves[0].x) == 250


def test_waterfall_ends_at_the_total() -> None:
    document = next(document for name, document in DRAWN if name == "stress_contributions")
    bars = DRAWINGS["stress_contributions"](result_of("stress_contributions", document)).bars
    assert bars is not None
    assert bars.bases[-2] + bars.heights[-2] == pytest.approx(bars.heights[-1])


def test_many_rows_leave_the_smallest_together() -> None:
    options = [option("ABC", "call", str(30 + step), "1") for step in range(50)]
    result = run("positions", portfolio=book(*options), as_of="2022-12-30")
    bars = DRAWINGS["positions"](result).bars
    assert bars is not None
    assert b"11 others" in plot(result, PlotFormat.SVG)
    assert len(bars.names) == BARS_MAX
    assert bars.names[-1] == "11 others"


def test_backtest_without_rows_asks_for_them() -> None:
    document = {"portfolio": book({"kind": "stock", "instrument": "ABC", "quantity": "1"})}
    result = run("book_backtest", **document, as_of="2022-12-30", window_days=100, days=20)
    with pytest.raises(InputError, match="rows: expected true for a plot"):
        plot(result, PlotFormat.SVG)


def test_calculator_without_a_picture_is_refused() -> None:
    result = run("close", instrument="ABC", as_of="2022-12-30")
    with pytest.raises(UnsupportedError, match="a calculator with a picture"):
        plot(result, PlotFormat.SVG)


def test_picture_of_a_denied_result_says_so() -> None:
    document = result_to_json(run("exposure", portfolio=mixed_book(), as_of="2022-12-30"))
    fields = {name: {"within": True} for name in document["fields"]}  # type: ignore[attr-defined]
    confirmed = plot_document({**document, "second": {"fields": fields}}, PlotFormat.SVG)
    assert b"not confirmed" not in confirmed
    fields["exposure.USD"] = {"within": False}
    for second in ({"fields": fields}, {}, None):
        picture = plot_document({**document, "second": second}, PlotFormat.SVG)
        assert b"not confirmed" in picture


def test_document_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError):
        plot_document({"calculator": "exposure"}, PlotFormat.SVG)


def test_format_follows_the_ending_of_the_name() -> None:
    assert format_of("a.SVG") is PlotFormat.SVG
    assert format_of("b/c.png") is PlotFormat.PNG
    with pytest.raises(InputError, match=r"a file that ends in \.svg or \.png"):
        format_of("picture.pdf")
