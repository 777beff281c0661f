"""Traces arguments to the caller's words, and the caller's words to arguments.

Both directions matter: an argument that the caller never wrote is an invention, and a number,
name or qualifier that the caller wrote but no call used means another question was answered. So a
95 % figure can never answer a 99 % question as verified.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Protocol

from finsvc.domain.calls import ToolCall
from finsvc.validator.direct import names_argument, speaks_of
from finsvc.validator.numerals import number_word_spans, numeric_tokens

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A known name in a text and the ticker, currency code or book it means."""

    span: Span
    code: str


class EntityIndex(Protocol):
    """Knows the names of instruments, currencies and books."""

    def find(self, text: str) -> Sequence[Entity]:
        """Every known name in the text."""


_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec"
)
_PERIOD = r"days?|weeks?|months?|years?|overnight|daily|weekly|monthly|quarterly|annual"
_DATE = (
    rf"(?:{_MONTHS})|yesterday|year[- ]end|month[- ]end|"
    r"(?:last|previous|prior) (?:week|month|quarter|year|monday|tuesday|wednesday|thursday|friday)"
)

# Words that say an optional argument was meant. They count only where no call used them and a call
# that could have taken the argument did not.
_QUALIFIERS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    for name, pattern in {
        "method": r"historical|parametric|monte|carlo|simulat\w+|variance|covariance|normal",
        "confidence": r"per ?cent|pct|percentile|quantile",
        "horizon": _PERIOD,
        "window": _PERIOD,
        "as_of": _DATE,
        "end": _DATE,
        "by": r"sectors?|industr(?:y|ies)|currenc(?:y|ies)|instruments?|names?|issuers?",
        "threshold": r"per ?cent|pct",
    }.items()
}

# Words that turn a position round; without them a long position would answer for a short one.
_SIGNS = re.compile(r"\b(?:short(?![- ]term)|shorted|minus|negative|sold)\b", re.IGNORECASE)
# "One" is far more often a pronoun than an amount.
_PRONOUNS = frozenset({"one"})

# Names of quantities that cannot mean another tool's: where one is asked for, a tool that computes
# it must have been called. A limit check measures risk itself.
_QUANTITIES: Sequence[tuple[re.Pattern[str], frozenset[str]]] = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), frozenset(tools.split()))
    for words, tools in (
        (r"var|value[- ]at[- ]risk", "value_at_risk limit_check"),
        (r"expected shortfall|cvar", "expected_shortfall limit_check"),
        (r"volatilit(?:y|ies)", "volatility"),
        (r"correlations?", "correlation"),
        (r"betas?", "beta"),
        (r"drawdowns?", "drawdown"),
        (r"deltas?|gammas?|vegas?|thetas?|rhos?", "option_greek"),
        # Statistics over time or over members, which only these tools compute.
        (r"averages?|median", "expected_shortfall"),
        (
            r"highest|lowest|maximum|minimum|cheapest|all[- ]time",
            "value_at_risk expected_shortfall drawdown stress_test exposure large_exposures "
            "limit_check",
        ),
        (
            r"(?:more|less|higher|lower|riskier|safer|better|worse|larger|smaller|bigger|greater)"
            r"(?: \w+){0,3} than",
            "large_exposures limit_check",
        ),
        # What no tool computes: to answer with another figure would answer another question.
        (
            r"opening|opened|intraday|dividends?|implied|forwards?|forecasts?|predict\w*|tomorrow|"
            r"sharpe|sortino|yields?|ratings?|rank(?:ed|ing)?|excluding|except|apart from|hedged",
            "",
        ),
        (r"christmas|easter|thanksgiving|new year(?:'?s)?|good friday|black monday", ""),
    )
)


def _occurrences(value: str, message: str) -> Iterable[Span]:
    """Occurrences of a value in the message that neither begin nor end inside a word."""
    for match in re.finditer(re.escape(value), message):
        before = message[match.start() - 1 : match.start()] if match.start() else ""
        after = message[match.end() : match.end() + 1]
        cuts_left = before.isalnum() and value[:1].isalnum()
        cuts_right = after.isalnum() and value[-1:].isalnum()
        if not (cuts_left or cuts_right):
            yield match.span()


def untraced_arguments(calls: Sequence[ToolCall], message: str) -> list[str]:
    """Arguments, as ``call.name``, that are no span of the message."""
    return [
        f"{call.id}.{name}"
        for call in calls
        for name, value in call.arguments.items()
        if not any(_occurrences(value, message))
    ]


def crossed_arguments(calls: Sequence[ToolCall], message: str) -> list[str]:
    """Arguments, as ``call.name``, that belong to another call or place by the message's order.

    "VaR of KO at 99% and of PG at 95%" must not become KO at 95% and PG at 99%, nor "5m EUR in
    USD" an amount of dollars. Only spans that occur once are judged.
    """
    crossed = [
        f"{second.id}.{name}"
        for first, second in combinations(calls, 2)
        for other, name in combinations(
            [name for name in second.arguments if name in first.arguments], 2
        )
        if _order(first, second, other, message) * _order(first, second, name, message) < 0
    ]
    for call in calls:
        amount, target = call.arguments.get("amount"), call.arguments.get("to")
        if (
            amount
            and target
            and f"{amount} {target}" in message
            and target != call.arguments.get("from")
        ):
            crossed.append(f"{call.id}.to")
    return crossed


def uneven_arguments(calls: Sequence[ToolCall]) -> list[str]:
    """Arguments, as ``call.name``, that one call of a tool has and another of the same lacks.

    "The 95 % VaR of KO and of PG" must not become KO at 95 % and PG at the default.
    """
    return [
        f"{second.id}.{name}"
        for first, second in permutations(calls, 2)
        if first.name == second.name and first.error is None and second.error is None
        for name in first.arguments
        if name not in second.arguments
    ]


def _order(first: ToolCall, second: ToolCall, name: str, message: str) -> int:
    """Sign of how far an argument of the second call stands after the first's; 0 if open."""
    left = list(_occurrences(first.arguments[name], message))
    right = list(_occurrences(second.arguments[name], message))
    if len(left) != 1 or len(right) != 1:
        return 0
    return right[0][0] - left[0][0]


def _uncovered(spans: Iterable[Span], covered: list[Span]) -> list[Span]:
    return [
        (start, end)
        for start, end in spans
        if not any(left <= start and end <= right for left, right in covered)
    ]


def unused_inputs(
    calls: Sequence[ToolCall],
    message: str,
    *,
    entities: EntityIndex,
    optional_arguments: Mapping[str, frozenset[str]],
) -> list[str]:
    """Numbers, signs, names, qualifiers and quantities of the message that no call used.

    Args:
        calls: The calls of the answer.
        message: What the caller wrote, with the fixed book and date.
        entities: Index of known names.
        optional_arguments: Optional argument names by tool.
    """
    covered = [
        span
        for call in calls
        for value in call.arguments.values()
        for span in _occurrences(value, message)
    ]
    tokens = numeric_tokens(message) + [
        span
        for span in number_word_spans(message)
        if message[slice(*span)].lower() not in _PRONOUNS
    ]
    # A name may hold a numeral: "tier1", "zero rate".
    amounts = [span for span in tokens if not names_argument(calls, message[slice(*span)])]
    unused = _uncovered(amounts, covered)
    unused += _uncovered((match.span() for match in _SIGNS.finditer(message)), covered)
    called = {call.name for call in calls}
    for pattern, tools in _QUANTITIES:
        if not tools & called:
            found = (m for m in pattern.finditer(message) if not speaks_of(calls, m.group()))
            unused += _uncovered((match.span() for match in found), covered)
    # "In dollars" is answered when the result is in dollars, although no call took the words.
    units = {item.unit for call in calls if call.result for item in call.result.fields.values()}
    named = [entity.span for entity in entities.find(message) if entity.code not in units]
    unused += _uncovered(named, covered)
    open_arguments = {
        name
        for call in calls
        for name in optional_arguments.get(call.name, frozenset())
        if name not in call.arguments
    }
    for name in sorted(open_arguments & _QUALIFIERS.keys()):
        spans = (match.span() for match in _QUALIFIERS[name].finditer(message))
        unused += _uncovered(spans, covered)
    return [message[start:end] for start, end in sorted(set(unused))]
