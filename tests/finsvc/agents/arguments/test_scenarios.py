from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.scenarios import parse_scenario
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.domain.scenarios import (
    HISTORICAL_SCENARIOS,
    HistoricalScenario,
    Shock,
    ShockKind,
    ShockScenario,
)


@pytest.mark.parametrize(
    ("key", "wordings"),
    [
        (
            "financial_crisis",
            "2008;GFC;2008 crisis;the 2008 financial crisis;global financial crisis;"
            "financial crisis;the financial crisis;"
            "credit crunch;2008 scenario;a repeat of 2008;crash of 2008;"
            "Great Financial Crisis;the GFC;2008 stress scenario",
        ),
        (
            "lehman",
            "Lehman;Lehman crisis;the Lehman collapse;Lehman Brothers;collapse of Lehman;"
            "Lehman default;a repeat of the Lehman collapse",
        ),
        (
            "covid",
            "covid;COVID;Covid-19;covid crash;the covid crash;Covid-19 crash;"
            "coronavirus crash;March 2020;2020;2020 crash;pandemic;"
            "2020 pandemic;the 2020 Covid crash;covid scenario",
        ),
        (
            "dot_com",
            "dot-com crash;dotcom crash;dot com bust;tech bubble;2000 crash;"
            "the dot-com crash;dotcom bubble;dot_com",
        ),
    ],
)
def test_historical_scenario_is_read_in_every_wording(key: str, wordings: str) -> None:
    for wording in wordings.split(";"):
        parsed = parse_scenario(wording)
        assert isinstance(parsed.value, HistoricalScenario)
        assert parsed.value == HISTORICAL_SCENARIOS[key], wording
        assert parsed.value.start.isoformat() in parsed.notes[0]


@pytest.mark.parametrize(
    ("text", "kind", "target", "fraction"),
    [
        ("equities -20%", "equity", None, "-0.2"),
        ("-20% equities", "equity", None, "-0.2"),
        ("equities - 20 %", "equity", None, "-0.2"),
        ("20% drop in stocks", "equity", None, "-0.2"),
        ("a 10% fall in equities", "equity", None, "-0.1"),
        ("market down 15%", "equity", None, "-0.15"),
        ("the market down 15 percent", "equity", None, "-0.15"),
        ("stocks fell 20%", "equity", None, "-0.2"),
        ("stocks falling by 7.5%", "equity", None, "-0.075"),
        ("equities lose another 20%", "equity", None, "-0.2"),
        ("20% equity shock down", "equity", None, "-0.2"),
        ("equities up 5 pct", "equity", None, "0.05"),
        ("10% rally in US stocks", "equity", None, "0.1"),
        ("+10% in equities", "equity", None, "0.1"),
        ("equities down -20%", "equity", None, "-0.2"),
        ("20% equities crash", "equity", None, "-0.2"),
        ("stock market crash of 30%", "equity", None, "-0.3"),
        ("equity markets tank 25%", "equity", None, "-0.25"),
        ("twenty percent drop in equities", "equity", None, "-0.2"),
        ("S&P 500 -20%", "equity", None, "-0.2"),
        ("the S&P falls 10%", "equity", None, "-0.1"),
        ("equities \u221220%", "equity", None, "-0.2"),
        ("shares down 50 per cent", "equity", None, "-0.5"),
        ("equities went down 10%", "equity", None, "-0.1"),
        ("EUR +10%", "currency", "EUR", "0.1"),
        ("dollar up 5%", "currency", "USD", "0.05"),
        ("the dollar rises by 5%", "currency", "USD", "0.05"),
        ("a 5% rise in the dollar", "currency", "USD", "0.05"),
        ("EUR/USD -10%", "currency", "EUR", "-0.1"),
        ("sterling down 15%", "currency", "GBP", "-0.15"),
        ("yen weakens 10%", "currency", "JPY", "-0.1"),
        ("the euro strengthens by 3%", "currency", "EUR", "0.03"),
        ("5% fall in the Swiss franc", "currency", "CHF", "-0.05"),
        ("tech -30%", "sector", "Information Technology", "-0.3"),
        ("tech stocks down 30%", "sector", "Information Technology", "-0.3"),
        ("energy +15%", "sector", "Energy", "0.15"),
        ("financials down 20%", "sector", "Financials", "-0.2"),
        ("banks fall 12%", "sector", "Financials", "-0.12"),
        ("health care -10%", "sector", "Health Care", "-0.1"),
        ("consumer staples sector down 5%", "sector", "Consumer Staples", "-0.05"),
        ("equities up 12.5%", "equity", None, "0.125"),
        ("IT stocks -5%", "sector", "Information Technology", "-0.05"),
        ("Apple -25%", "instrument", "AAPL", "-0.25"),
        ("AAPL down 25%", "instrument", "AAPL", "-0.25"),
        ("a 40% drop in Exxon", "instrument", "XOM", "-0.4"),
        ("Johnson and Johnson down 10%", "instrument", "JNJ", "-0.1"),
        ("5% loss on Coca-Cola", "instrument", "KO", "-0.05"),
    ],
)
def test_shock_is_read(text: str, kind: str, target: str | None, fraction: str) -> None:
    scenario = parse_scenario(text).value
    assert isinstance(scenario, ShockScenario)
    assert scenario.shocks == (
        Shock(kind=ShockKind(kind), target=target, fraction=Decimal(fraction)),
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("equities -20%, EUR +10%", "equities -20%, EUR +10%"),
        ("tech down 30% and energy up 5%", "Information Technology -30%, Energy +5%"),
        ("stocks fall 20% with the dollar up 7.5%", "equities -20%, USD +7.5%"),
        ("equities -20%; EUR -10%; AAPL -35%", "equities -20%, EUR -10%, AAPL -35%"),
        ("Johnson and Johnson down 10%", "JNJ -10%"),
    ],
)
def test_several_shocks_are_read_and_named(text: str, name: str) -> None:
    assert parse_scenario(text).value.name == name


@pytest.mark.parametrize(
    "text",
    [
        "20% shock to equities",
        "equities 20%",
        "equities move 20%",
        "up 5%",
        "-20%",
        "equities down 100%",
        "equities down 150%",
        "equities 0%",
        "down 0% equities",
        "equities up -20%",
        "equities rise and fall 20%",
        "FX -10%",
        "oil down 20%",
        "DAX -20%",
        "XXX +5%",
        "equities and EUR down 10%",
        "equities -20%, EUR",
        "10% 20% equities down, EUR +5%",
        "EUR and GBP down 10%",
        "equities -20%, equities -30%",
        "equities -20% -30%",
        "equities \u0662\u0660%",
        "stocks down \u00bd%",
        "it falls 20%",
        "",
    ],
)
def test_what_is_no_shock_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_scenario(text)
    assert caught.value.field == "scenario"


@pytest.mark.parametrize(
    "text",
    [
        "Brexit",
        "Black Monday",
        "1987 crash",
        "SVB",
        "the Zorvex crisis",
        "2022 sell-off",
        "9/11",
        "rates +100bp",
    ],
)
def test_unknown_scenario_lists_the_known_ones(text: str) -> None:
    with pytest.raises(UnknownNameError, match="a known scenario") as caught:
        parse_scenario(text)
    assert "covid" in caught.value.known


@given(
    st.decimals(min_value="-99.99", max_value="500", places=2).filter(bool),
    st.sampled_from([("equities", None), ("EUR", "EUR"), ("Energy", "Energy"), ("AAPL", "AAPL")]),
)
def test_name_of_a_shock_parses_to_the_same_shock(
    percent: Decimal, target: tuple[str, str | None]
) -> None:
    first = parse_scenario(f"{target[0]} {percent:+f}%").value
    assert isinstance(first, ShockScenario)
    assert first.shocks[0].fraction == percent / 100
    assert first.shocks[0].target == target[1]
    assert parse_scenario(first.name).value == first
