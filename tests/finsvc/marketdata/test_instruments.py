from finsvc.marketdata.currencies import CURRENCIES
from finsvc.marketdata.instruments import INSTRUMENTS, SECTORS
from tests.finsvc.marketdata.factories import real_market


def test_every_instrument_of_the_snapshot_has_reference_data() -> None:
    assert {entry.ticker for entry in INSTRUMENTS} == set(real_market().instruments())


def test_every_currency_of_the_snapshot_has_reference_data() -> None:
    assert {entry.code for entry in CURRENCIES} == set(real_market().currencies())


def test_no_name_means_two_instruments_or_two_currencies() -> None:
    for table in (
        [(entry.ticker, entry.name, *entry.aliases) for entry in INSTRUMENTS],
        [(entry.code, entry.name, *entry.aliases, *entry.symbols) for entry in CURRENCIES],
    ):
        names = [name.casefold() for entry in table for name in {*entry}]
        assert sorted(names) == sorted(set(names))


def test_aliases_are_lower_case() -> None:
    for entry in (*INSTRUMENTS, *CURRENCIES):
        assert all(alias == alias.lower() for alias in entry.aliases)


def test_sectors_are_gics_sectors() -> None:
    assert SECTORS == (
        "Consumer Discretionary",
        "Consumer Staples",
        "Energy",
        "Financials",
        "Health Care",
        "Industrials",
        "Information Technology",
    )
