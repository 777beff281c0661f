"""Verdicts and claims: what was said, where it comes from and who confirmed it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from finsvc.domain.identifiers import CallId


class Verdict(StrEnum):
    """Outcome of checking an answer or one claim in it."""

    VERIFIED = "verified"
    VERIFIED_ROUNDED = "verified_rounded"
    CORRECTED = "corrected"
    ABSTAINED = "abstained"
    NEEDS_HUMAN = "needs_human"
    UNVERIFIED = "unverified"


class Reason(StrEnum):
    """Why a verdict is not plainly ``verified``; stable codes for programs."""

    ROUNDED = "rounded"
    DECIMALS_CUT = "decimals_cut"
    SECOND_MISSING = "second_method_missing"
    SECOND_FAILED = "second_method_failed"
    SECOND_DISAGREES = "second_method_disagrees"
    UNKNOWN_REFERENCE = "unknown_reference"
    UNIT_MISMATCH = "unit_mismatch"
    UNBOUND_NUMBER = "unbound_number"
    UNTRACED_ARGUMENT = "untraced_argument"
    UNUSED_INPUT = "unused_input"
    UNCHECKED_COMPARISON = "unchecked_comparison"
    COMPARISON_WRONG = "comparison_wrong"
    CLARIFICATION_NEEDED = "clarification_needed"
    NO_TOOL = "no_tool"
    TOOL_ERROR = "tool_error"
    MALFORMED_OUTPUT = "malformed_output"
    TOOL_REFUSED = "tool_refused"
    LIMIT_REACHED = "limit_reached"
    RELEASE_REFUSED = "release_refused"
    VALUE_WRONG = "value_wrong"
    SIGN_WRONG = "sign_wrong"
    SCALE_WRONG = "scale_wrong"
    PRECISION_LOST = "precision_lost"
    QUANTITY_MISMATCH = "quantity_mismatch"
    ENTITY_MISMATCH = "entity_mismatch"
    PERIOD_MISMATCH = "period_mismatch"
    BASIS_MISMATCH = "basis_mismatch"
    AMBIGUOUS = "ambiguous"
    INCONSISTENT = "inconsistent"
    NO_EVIDENCE = "no_evidence"
    SAMPLES_DISAGREE = "samples_disagree"
    LOW_CONFIDENCE = "low_confidence"
    NOT_CALIBRATED = "not_calibrated"
    PROPOSAL = "proposal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a claimed value comes from."""

    call: CallId
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondCheck:
    """The second method's word on a claimed value, in the claim's unit."""

    method: str
    value: Decimal
    difference: Decimal
    tolerance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One number of an answer.

    ``text`` is the number as printed, ``quantity`` what it measures, ``value`` the calculator's
    full value in ``unit``.
    """

    text: str
    quantity: str
    value: Decimal
    unit: str
    source: Source
    second: SecondCheck | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
