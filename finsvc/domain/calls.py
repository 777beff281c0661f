"""Tool calls of a decision: what was asked, what it became, what came back."""

from collections.abc import Mapping
from dataclasses import dataclass

from finsvc.domain.identifiers import CallId
from finsvc.domain.policy import PolicyOutcome
from finsvc.domain.results import CalculatorResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CallError:
    """Why a call has no result."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool call.

    ``arguments`` are the model's spans; ``inputs`` the resolved calculator inputs, positions
    inline, as JSON; ``labels`` the texts shown for this call (``subject`` …), the tool's over the
    calculator's; ``shown`` names the labels, fields and tables that a model may cite. ``defaults``
    are parameters the caller did not give, and ``notes`` what the tool had to assume; both are
    stated in the answer. Exactly one of ``result`` and ``error`` is set. ``is_direct`` marks the
    calculator's own tool, made from its definition.
    """

    id: CallId
    name: str
    arguments: Mapping[str, str]
    calculator: str
    inputs: Mapping[str, object]
    result: CalculatorResult | None
    labels: Mapping[str, str]
    shown: tuple[str, ...]
    defaults: tuple[str, ...]
    notes: tuple[str, ...]
    error: CallError | None
    policy: PolicyOutcome | None
    is_direct: bool = False
