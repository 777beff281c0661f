import pytest

from finsvc.domain.verdicts import Reason, Verdict
from finsvc.validator.entities import NameIndex
from finsvc.validator.free_text.check import TextCheck

CHECK = TextCheck((), index=NameIndex(["sample"]), confirmations={})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("VaR is 100 USD. Expected shortfall is 90 USD.", "below value at risk"),
        ("Long 100 USD, short 40 USD, net 70 USD.", "net 70 USD"),
        ("Long 100 USD, short 40 USD, gross 120 USD.", "gross 120 USD"),
        ("Exposure to A is 50 USD; exposure to B is 30 USD; the total is 90 USD.", "not the sum"),
    ],
)
def test_claims_that_cannot_hold_together_are_named(text: str, says: str) -> None:
    report = CHECK(text)
    assert report.verdict is Verdict.ABSTAINED
    (finding,) = report.findings
    assert finding.reason is Reason.INCONSISTENT
    assert says in finding.detail


@pytest.mark.parametrize(
    "text",
    [
        "VaR is 100 USD. Expected shortfall is 120 USD.",
        "The 95% VaR is 100 USD. The 90% expected shortfall is 90 USD.",
        "Long 100 USD, short 40 USD, net 60 USD, gross 140 USD.",
        "Long 100 USD, short 40 EUR, net 70 USD.",
        "Exposure to A is 50 USD; exposure to B is 30 USD; the total is 80 USD.",
        "Exposure is 50 USD; the total is 80 USD.",
        "VaR is 50 USD; the beta is 3 USD; the total is 80 USD.",
        "Long 100 USD, net 60 USD.",
    ],
)
def test_claims_that_may_hold_together_are_left(text: str) -> None:
    report = CHECK(text)
    assert report.findings == ()
    assert {claim.reasons for claim in report.claims} == {(Reason.NO_EVIDENCE,)}
    assert report.verdict is Verdict.UNVERIFIED
