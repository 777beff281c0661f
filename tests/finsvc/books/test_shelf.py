from pathlib import Path

import pytest

from finsvc.books.shelf import BookShelf
from finsvc.domain.errors import InputError, StateError, UnknownNameError
from finsvc.domain.positions import CashPosition, OptionPosition, StockPosition
from tests.finsvc.marketdata.factories import real_market

OWN = "type,instrument,quantity\nstock,AAPL,1\n"
LIMITS = "name,metric,scope,threshold,unit\nAny,instrument_exposure,,15,%\n"


@pytest.fixture
def shelf(tmp_path: Path) -> BookShelf:
    return BookShelf(tmp_path / "books", real_market())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(OWN)
    return path


def test_fresh_shelf_holds_the_sample_book(shelf: BookShelf) -> None:
    assert shelf.names() == ("sample",)
    book = shelf.load("sample")
    kinds = [type(position) for position in book.portfolio.positions]
    assert (kinds.count(StockPosition), kinds.count(CashPosition), kinds.count(OptionPosition)) == (
        12,
        4,
        4,
    )
    assert book.portfolio.label == "the sample book"
    assert book.portfolio.base_currency == "USD"
    assert len(book.limits) == 9


@pytest.mark.parametrize(
    "text",
    [
        "sample", "Sample", "SAMPLE", "the sample book", "The Sample Book", "sample book",
        "book sample", "the book sample", "sample portfolio", "the sample portfolio",
        "our sample book",
        " sample ", "sample-book", "sample_book", "sample  book", "portfolio sample",
    ],
)  # fmt: skip
def test_sample_book_is_found_under_every_wording(shelf: BookShelf, text: str) -> None:
    assert shelf.resolve(text) == "sample"


@pytest.mark.parametrize("text", ["", "book", "the book", "samples", "simple", "sample book two"])
def test_unknown_book_lists_the_known_ones(shelf: BookShelf, text: str) -> None:
    with pytest.raises(UnknownNameError, match=r"a known book \(sample\)") as caught:
        shelf.load(text, field="portfolio")
    assert caught.value.field == "portfolio"


def test_imported_book_is_listed_and_loaded(shelf: BookShelf, own: Path, tmp_path: Path) -> None:
    limits = tmp_path / "x.csv"
    limits.write_text(LIMITS)
    assert shelf.import_csv(own, "us-equities", limits=limits) == "us-equities"
    assert shelf.names() == ("sample", "us-equities")
    book = shelf.load("the US equities book")
    assert len(book.portfolio.positions) == 1
    assert book.limits[0].name == "Any"
    assert sorted(path.name for path in (tmp_path / "books").iterdir()) == [
        "us-equities.csv",
        "us-equities.limits.csv",
    ]


def test_book_without_limits_file_has_no_limits(shelf: BookShelf, own: Path) -> None:
    shelf.import_csv(own, "trading-book")
    assert shelf.load("trading-book").limits == ()
    assert shelf.load("trading").portfolio.label == "the trading-book"


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "a.limits", "é", "-a", "x" * 65])
def test_import_under_a_wrong_name_is_refused(shelf: BookShelf, own: Path, name: str) -> None:
    with pytest.raises(InputError, match="name: expected a book name"):
        shelf.import_csv(own, name)


@pytest.mark.parametrize("name", ["sample", "sample-book"])
def test_bundled_book_cannot_be_replaced(shelf: BookShelf, own: Path, name: str) -> None:
    with pytest.raises(InputError, match="bundled"):
        shelf.import_csv(own, name, replace=True)


def test_taken_name_is_replaced_only_on_request(shelf: BookShelf, own: Path) -> None:
    shelf.import_csv(own, "mine")
    own.write_text(OWN.replace("AAPL", "KO"))
    with pytest.raises(InputError, match="no book has yet"):
        shelf.import_csv(own, "mine")
    with pytest.raises(InputError, match="no book has yet"):
        shelf.import_csv(own, "mine-book", replace=True)
    shelf.import_csv(own, "mine", replace=True)
    assert shelf.load("mine").portfolio.positions[0].instrument == "KO"  # type: ignore[union-attr]


def test_wrong_file_leaves_nothing_behind(shelf: BookShelf, own: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.csv"
    limits.write_text(LIMITS.replace("15", "none"))
    with pytest.raises(InputError, match=r"limits\.csv row 2, column threshold"):
        shelf.import_csv(own, "mine", limits=limits)
    own.write_text(OWN.replace("AAPL", "TSLA"))
    with pytest.raises(InputError, match=r"own\.csv row 2, column instrument"):
        shelf.import_csv(own, "mine")
    assert not (tmp_path / "books").exists()


def test_missing_file_is_refused_by_name(shelf: BookShelf, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: expected a readable file"):
        shelf.import_csv(tmp_path / "none.csv", "mine")


def test_folder_that_cannot_be_written_is_a_state_error(tmp_path: Path, own: Path) -> None:
    (tmp_path / "books").write_text("not a folder")
    with pytest.raises(StateError, match="expected a writable file"):
        BookShelf(tmp_path / "books", real_market()).import_csv(own, "mine")


def test_write_that_fails_leaves_neither_book_nor_fragment(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = BookShelf(tmp_path / "books", real_market())

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StateError, match="No space left"):
        shelf.import_csv(own, "mine")
    assert list((tmp_path / "books").iterdir()) == []


def test_broken_book_in_the_folder_is_named_when_loaded(shelf: BookShelf, tmp_path: Path) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "broken.csv").write_text("type,quantity\nstock,1\n")
    (folder / "Not A Book.csv").write_text("")
    assert shelf.names() == ("broken", "sample")
    with pytest.raises(InputError, match=r"broken\.csv row 2, column instrument"):
        shelf.load("broken")
