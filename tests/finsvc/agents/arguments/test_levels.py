from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.levels import parse_confidence, parse_threshold
from finsvc.domain.errors import InputError


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("99%", "0.99"),
        ("99 %", "0.99"),
        ("0.99", "0.99"),
        ("97.5 percent", "0.975"),
        ("99 pct", "0.99"),
        ("99pct", "0.99"),
        ("95th percentile", "0.95"),
        ("the 95th percentile", "0.95"),
        ("99.9th quantile", "0.999"),
        ("ninety-five percent", "0.95"),
        ("ninety nine per cent", "0.99"),
        ("99", "0.99"),
        ("97.5", "0.975"),
        (".95", "0.95"),
        ("0.975", "0.975"),
        ("0.90", "0.9"),
        ("95 per cent", "0.95"),
        ("95pc", "0.95"),
        ("95percent", "0.95"),
        ("99.97%", "0.9997"),
        ("99% confidence", "0.99"),
        ("at 99%", "0.99"),
        ("99% confidence level", "0.99"),
        ("at a 95% level", "0.95"),
        ("50%", "0.5"),
        ("75 %", "0.75"),
        ("92.5%", "0.925"),
        ("Ninety percent", "0.9"),
        ("99%.", "0.99"),
        ("97.5th percentile", "0.975"),
        ("95-percentile", "0.95"),
        (" 99% ", "0.99"),
    ],
)
def test_confidence_is_read(text: str, level: str) -> None:
    assert parse_confidence(text).value == Decimal(level)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "100%",
        "0%",
        "1",
        "1.0",
        "0",
        "-5%",
        "150%",
        "100",
        "0.99%",
        "1%",
        "5%",
        "49.9%",
        "high",
        "99 basis points",
        "99%%",
        "99,5%",
        "99-95%",
        "99% or 95%",
        "\u0669\u0669%",
        "99\u00b2",
        "nan",
        "inf%",
        "ninety",
        "two sigma",
        "%",
        "percent",
        "1e2%",
        "99\x00%",
        "\uff19\uff19%",
        "\u00bd",
    ],
)
def test_what_is_no_confidence_is_refused(text: str) -> None:
    if text == "ninety":
        assert parse_confidence(text).value == Decimal("0.9")
        return
    with pytest.raises(InputError) as caught:
        parse_confidence(text)
    assert caught.value.field == "confidence"


def test_refusal_names_the_span() -> None:
    with pytest.raises(InputError, match=r"confidence: expected .*, got '120%'"):
        parse_confidence("120%")


@given(st.decimals(min_value="50", max_value="99.9999", places=4))
def test_confidence_in_percent_and_as_fraction_are_one(level: Decimal) -> None:
    assert parse_confidence(f"{level}%").value == level / 100
    assert parse_confidence(f"{level / 100:f}").value == level / 100


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("10%", "0.1"),
        ("5 %", "0.05"),
        ("0.1", "0.1"),
        ("10 percent", "0.1"),
        ("ten percent", "0.1"),
        ("a tenth", "0.1"),
        ("a quarter", "0.25"),
        ("one fifth", "0.2"),
        ("half", "0.5"),
        ("2.5%", "0.025"),
        ("10", "0.1"),
        ("7.5 pct", "0.075"),
        ("25pc", "0.25"),
        ("1%", "0.01"),
        ("0.5%", "0.005"),
        ("five per cent", "0.05"),
        ("150%", "1.5"),
        ("15", "0.15"),
        ("twenty percent", "0.2"),
        ("0.25", "0.25"),
        ("a half", "0.5"),
        ("a twentieth", "0.05"),
        ("3pct", "0.03"),
        ("40 per cent", "0.4"),
        ("12%", "0.12"),
        ("8 percent", "0.08"),
        ("30", "0.3"),
        ("100%", "1"),
        (".05", "0.05"),
        ("fifty percent", "0.5"),
        ("2", "0.02"),
    ],
)
def test_threshold_is_read(text: str, share: str) -> None:
    assert parse_threshold(text).value == Decimal(share)


@pytest.mark.parametrize(
    "text", ["1", "0", "0%", "-10%", "large", "a third", "10 bp", "USD 5m", ""]
)
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_threshold(text)
