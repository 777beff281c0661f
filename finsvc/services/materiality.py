"""How large the largest figure of an answer is, for the policies that hold back large ones."""

from collections.abc import Sequence

from finsvc.domain.verdicts import Claim

# Answers with an amount at or above it are material, unless an operator says otherwise.
MATERIAL_USD = 100_000_000
# Units that are no money; anything else of three letters counts as an amount.
_CURRENCY_LENGTH = 3


def largest_usd(claims: Sequence[Claim]) -> int:
    """Largest absolute amount of money among the claims, rounded down.

    Amounts in other currencies are compared at face value: the bound is a matter of magnitude, and
    a yen amount above it is looked at once too often rather than once too seldom.
    """
    amounts = [
        abs(claim.value)
        for claim in claims
        if len(claim.unit) == _CURRENCY_LENGTH and claim.unit.isupper()
    ]
    return int(max(amounts, default=0))
