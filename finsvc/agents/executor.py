"""Runs one requested tool call: schema, spans, policy, calculator.

What the model or the caller got wrong becomes the call's error, which the model may state and the
validator turns into a verdict; it never becomes an exception or a number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from finsvc.agents.catalogue import AgentTool
from finsvc.agents.direct.resolver import direct_resolver
from finsvc.agents.direct.tools import find_tool
from finsvc.agents.loop import Question
from finsvc.agents.requests import parse_arguments
from finsvc.agents.resolution import compliance, market, risk
from finsvc.agents.resolution.context import Draft, Resolved
from finsvc.books.shelf import BookShelf
from finsvc.calculators.registry import calculator
from finsvc.domain.calls import CallError, ToolCall
from finsvc.domain.errors import FinsvcError, RefusedError
from finsvc.domain.identifiers import CallId
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery, Principal
from finsvc.domain.results import CalculatorResult
from finsvc.domain.turns import RequestedCall
from finsvc.marketdata.market import SnapshotMarket

RESOLVERS: Mapping[str, Callable[[Draft], Resolved]] = {
    "value_at_risk": risk.value_at_risk,
    "expected_shortfall": risk.expected_shortfall,
    "stress_test": risk.stress_test,
    "exposure": risk.exposure,
    "profit_and_loss": risk.profit_and_loss,
    "option_price": risk.option_price,
    "option_greek": risk.option_greek,
    "price": market.price,
    "price_change": market.price_change,
    "volatility": market.volatility,
    "correlation": market.correlation,
    "beta": market.beta,
    "drawdown": market.drawdown,
    "convert_currency": market.convert_currency,
    "fx_rate": market.fx_rate,
    "limit_check": compliance.limit_check,
    "large_exposures": compliance.large_exposures,
    "positions": compliance.positions,
}

_BROKEN = "{tool} failed inside; the operator finds the cause in the log"

_log = structlog.get_logger("finsvc.agents")


class ToolGate(Protocol):
    """Decides whether a call may run."""

    def decide(self, query: PolicyQuery) -> PolicyOutcome:
        """Evaluate one query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """What is known of a call when it ends, however it ends."""

    arguments: Mapping[str, str]
    resolved: Resolved | None = None
    policy: PolicyOutcome | None = None
    result: CalculatorResult | None = None
    error: CallError | None = None


class ToolExecutor:
    """Implements the loop's `Executor` for one principal."""

    def __init__(
        self, principal: Principal, *, market: SnapshotMarket, books: BookShelf, gate: ToolGate
    ) -> None:
        self._principal = principal
        self._market = market
        self._books = books
        self._gate = gate

    def execute(self, call_id: CallId, request: RequestedCall, question: Question) -> ToolCall:
        """Run one call; the loop has checked that the tool exists."""
        tool = find_tool(request.name)
        attempt = self._attempt(call_id, tool, request.arguments, question)
        resolved = attempt.resolved
        result = attempt.result
        labels: dict[str, str] = {}
        if result is not None and resolved is not None:
            labels = {"as_of": result.as_of.isoformat(), **result.labels, **resolved.labels}
        return ToolCall(
            id=call_id,
            name=tool.name,
            arguments=attempt.arguments,
            calculator="" if resolved is None else resolved.calculator,
            inputs={} if resolved is None else resolved.inputs,
            result=result,
            labels=labels,
            shown=() if resolved is None else resolved.shown,
            defaults=() if resolved is None else resolved.defaults,
            notes=() if resolved is None else resolved.notes,
            error=attempt.error,
            policy=attempt.policy,
            is_direct=tool.name not in RESOLVERS,
        )

    def _attempt(self, call_id: CallId, tool: AgentTool, text: str, question: Question) -> _Attempt:
        arguments: Mapping[str, str] = {}
        resolved = policy = None
        try:
            arguments = parse_arguments(tool, text)
            draft = Draft(
                arguments,
                message=question.message,
                market=self._market,
                books=self._books,
                documents=question.documents,
            )
            resolve = RESOLVERS.get(tool.name) or direct_resolver(tool.name)
            resolved = resolve(draft)
            policy = self._decide(call_id, tool, resolved, question)
            if not policy.is_allowed:
                raise RefusedError(action=f"calling {tool.name}", reasons=policy.determining)
            entry = calculator(resolved.calculator)
            inputs = entry.parse(dict(resolved.inputs))
            # The record holds the inputs with every default written out.
            resolved = replace(resolved, inputs=inputs.document())
            result = entry.run(inputs, self._market)
        except FinsvcError as error:
            failure = CallError(code=error.code, message=str(error))
            return _Attempt(arguments=arguments, resolved=resolved, policy=policy, error=failure)
        except (ArithmeticError, ValueError, LookupError) as error:
            # A calculator that breaks is a call without result, on record like any other.
            failure = CallError(code=FinsvcError.code, message=_BROKEN.format(tool=tool.name))
            _log.error("tool_failed", tool=tool.name, error=type(error).__name__)
            return _Attempt(arguments=arguments, resolved=resolved, policy=policy, error=failure)
        return _Attempt(arguments=arguments, resolved=resolved, policy=policy, result=result)

    def _decide(
        self, call_id: CallId, tool: AgentTool, resolved: Resolved, question: Question
    ) -> PolicyOutcome:
        query = PolicyQuery(
            principal=self._principal,
            action=Action.CALL_TOOL,
            resource=f"Tool::{tool.name}",
            context={
                "agent": question.agent.value,
                "book": resolved.book,
                "calculator": resolved.calculator,
                "steps": int(call_id.removeprefix("c")),
            },
        )
        return self._gate.decide(query)
