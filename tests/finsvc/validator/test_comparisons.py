from decimal import Decimal

import pytest

from finsvc.domain.verdicts import Reason
from finsvc.validator.comparisons import check_words

UP, DOWN = Decimal(5), Decimal(-5)


@pytest.mark.parametrize(
    ("words", "values", "statuses", "expected"),
    [
        ("The value of the book is", [UP], [], None),
        ("The profit or loss is", [DOWN], [], None),
        ("Apple rose by", [UP], [], None),
        ("Apple rose by", [DOWN], [], Reason.COMPARISON_WRONG),
        ("Apple fell by", [DOWN], [], None),
        ("Apple fell by", [UP], [], Reason.COMPARISON_WRONG),
        ("Apple rose to", [UP, UP], [], Reason.UNCHECKED_COMPARISON),
        ("Apple rose and fell", [UP], [], Reason.UNCHECKED_COMPARISON),
        ("The largest is", [UP], [], Reason.UNCHECKED_COMPARISON),
        ("This exceeds", [UP], [], Reason.UNCHECKED_COMPARISON),
        ("The book is in breach", [UP], ["breach"], None),
        ("The book is in breach", [UP], ["no breach"], Reason.COMPARISON_WRONG),
        ("The book shows no breach", [UP], ["no breach"], None),
        ("The book shows no breach", [UP], ["breach"], Reason.COMPARISON_WRONG),
        ("It is within its limits", [UP], ["breach"], Reason.COMPARISON_WRONG),
        ("The book is in breach", [UP], [], Reason.UNCHECKED_COMPARISON),
    ],
)
def test_words_are_checked_against_values_and_statuses(
    words: str, values: list[Decimal], statuses: list[str], expected: Reason | None
) -> None:
    assert check_words(words, values, statuses) is expected
