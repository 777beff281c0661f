"""Correct answers from real results: question, calls, template and what the renderer makes of it.

Every call runs the calculators on the pinned market data; the wordings are ours.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from finsvc.agents.catalogue import TOOLS, AgentName
from finsvc.agents.executor import ToolExecutor
from finsvc.agents.loop import Question
from finsvc.domain.calls import ToolCall
from finsvc.domain.identifiers import CallId
from finsvc.domain.policy import PolicyOutcome, PolicyQuery, Principal
from finsvc.domain.turns import RequestedCall
from finsvc.validator.entities import NameIndex
from finsvc.validator.free_text.check import TextCheck, TextReport
from finsvc.validator.free_text.evidence import gather
from finsvc.validator.template import bind
from finsvc.validator.validate import Confirmation, FieldCheck, Grounds, Validation, validate
from tests.finsvc.conftest import MarketData

OPTIONAL: Mapping[str, frozenset[str]] = {
    tool.name: frozenset(name for name, required in tool.arguments.items() if not required)
    for tool in TOOLS.values()
}
NAMES = ("Apple", "Microsoft", "Coca-Cola", "Chevron", "JPMorgan Chase", "Home Depot", "Pfizer")
DATES = ("2022-06-30", "2022-09-30", "2021-12-31", "2022-03-31", "2021-06-30")
SCENARIOS = ("2008 financial crisis", "covid crash")
LEVELS = ("99%", "95%", "97.5%")
HORIZONS = ("10-day", "5-day", "1-day")
PAIRS = ("EUR/USD", "GBP/USD", "EUR/GBP")


class Anything:
    """A gate that permits: policies have tests of their own."""

    def decide(self, query: PolicyQuery) -> PolicyOutcome:
        return PolicyOutcome(is_allowed=True, determining=(), errors=(), bundle_digest="", facts={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A question, the calls that answer it and the wording around their references."""

    question: str
    tools: tuple[tuple[str, Mapping[str, str]], ...]
    wording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A correct answer: ``text`` is what the template becomes."""

    request: Request
    calls: tuple[ToolCall, ...]
    template: str
    text: str


def _subject(rng: Random) -> str:
    return rng.choice(
        ["the sample book", *(f"{n * 500:,} {name} shares" for n in (1, 7, 24) for name in NAMES)]
    )


def _bare(subject: str) -> str:
    return subject.removeprefix("the ")


def _tail(rng: Random) -> Request:
    tool, words, field = rng.choice(
        [("value_at_risk", "VaR", "var"), ("expected_shortfall", "expected shortfall", "es")]
    )
    subject, level, horizon, on = (
        _subject(rng),
        rng.choice(LEVELS),
        rng.choice(HORIZONS),
        rng.choice(DATES),
    )
    wording = rng.choice(
        [
            f"The {horizon} {level} {words} of {{c1.subject}} is {{c1.{field}}} as of "
            "{c1.as_of}.",
            f"{{c1.subject}} has a {words} of {{c1.{field}}} at {level} over a {horizon} horizon.",
            f"As of {on}, the {words} of {subject} is {{c1.{field}}}.",
        ]
    )
    arguments = {
        "portfolio": _bare(subject),
        "confidence": level,
        "horizon": horizon,
        "as_of": on,
    }
    question = f"What is the {horizon} {level} {words} of {subject} as of {on}?"
    return Request(question=question, tools=((tool, arguments),), wording=wording)


def _two_tails(rng: Random) -> Request:
    one, two = rng.sample(NAMES, 2)
    level = rng.choice(LEVELS)
    tools = tuple(
        ("value_at_risk", {"portfolio": f"1,000 {name} shares", "confidence": level})
        for name in (one, two)
    )
    return Request(
        question=f"Compare the {level} VaR of 1,000 {one} shares and of 1,000 {two} shares.",
        tools=tools,
        wording=rng.choice(
            [
                f"The {level} VaR of {{c1.subject}} is {{c1.var}} and that of {{c2.subject}} is "
                "{c2.var}.",
                "The VaR of {c1.subject} is {c1.var}, {higher} than the {c2.var} of {c2.subject}.",
            ]
        ),
    )


def _stress(rng: Random) -> Request:
    subject, scenario = _subject(rng), rng.choice(SCENARIOS)
    return Request(
        question=f"What would the {scenario} do to {subject}?",
        tools=(("stress_test", {"portfolio": _bare(subject), "scenario": scenario}),),
        wording=rng.choice(
            [
                "The profit or loss of {c1.subject} under {c1.scenario} is {c1.pnl}.",
                "Under {c1.scenario}, {c1.subject} {lost} {c1.pnl}.",
            ]
        ),
    )


def _pnl(rng: Random) -> Request:
    subject, (start, end) = _subject(rng), sorted(rng.sample(DATES, 2))
    return Request(
        question=f"What was the P&L of {subject} from {start} to {end}?",
        tools=(("profit_and_loss", {"portfolio": _bare(subject), "start": start, "end": end}),),
        wording="The profit and loss of {c1.subject} from {c1.start} to {c1.end} is {c1.pnl}.",
    )


def _change(rng: Random) -> Request:
    name, (start, end) = rng.choice(NAMES), sorted(rng.sample(DATES, 2))
    return Request(
        question=f"How much did {name} change from {start} to {end}?",
        tools=(("price_change", {"instrument": name, "start": start, "end": end}),),
        wording=rng.choice(
            [
                "The price change of {c1.subject} from {c1.start} to {c1.end} is {c1.change}.",
                "From {c1.start} to {c1.end}, {c1.subject} {rose} by {c1.change}.",
            ]
        ),
    )


def _close(rng: Random) -> Request:
    name, on = rng.choice(NAMES), rng.choice(DATES)
    return Request(
        question=f"What did {name} close at on {on}?",
        tools=(("price", {"instrument": name, "as_of": on}),),
        wording="{c1.subject} closed at {c1.close} on {c1.as_of}.",
    )


def _statistic(rng: Random) -> Request:
    one, two = rng.sample(NAMES, 2)
    on, window = rng.choice(DATES), rng.choice(["60 days", "120 days", "500 days"])
    timing = {"window": window, "as_of": on}
    return rng.choice(
        [
            Request(
                question=f"What is the volatility of {one} over {window} as of {on}?",
                tools=(("volatility", {"instrument": one, **timing}),),
                wording=f"The volatility of {{c1.subject}} over {window} is {{c1.volatility}}.",
            ),
            Request(
                question=f"Correlation of {one} and {two} over {window} as of {on}?",
                tools=(("correlation", {"first": one, "second": two, **timing}),),
                wording="As of {c1.as_of} the correlation of {c1.subject} is {c1.correlation}.",
            ),
            Request(
                question=f"Beta of {one} to the S&P 500 over {window} as of {on}?",
                tools=(("beta", {"instrument": one, "benchmark": "S&P 500", **timing}),),
                wording=f"The beta of {{c1.subject}} to {{c1.benchmark}} over {window} is "
                "{c1.beta}.",
            ),
        ]
    )


def _drawdown(rng: Random) -> Request:
    name, (start, end) = rng.choice(NAMES), sorted(rng.sample(DATES, 2))
    return Request(
        question=f"Maximum drawdown of {name} from {start} to {end}?",
        tools=(("drawdown", {"instrument": name, "start": start, "end": end}),),
        wording="The drawdown of {c1.subject} from {c1.start} to {c1.end} is {c1.drawdown}.",
    )


def _money(rng: Random) -> Request:
    amount, source, target = rng.choice(
        [("5m EUR", "EUR", "USD"), ("750,000 GBP", "GBP", "EUR"), ("2m USD", "USD", "GBP")]
    )
    on, pair = rng.choice(DATES), rng.choice(PAIRS)
    converted = {"amount": amount, "from": source, "to": target, "as_of": on}
    return rng.choice(
        [
            Request(
                question=f"What is {amount} in {target} on {on}?",
                tools=(("convert_currency", converted),),
                wording="{c1.amount} is {c1.converted} as of {c1.as_of}.",
            ),
            Request(
                question=f"What was {pair} on {on}?",
                tools=(("fx_rate", {"pair": pair, "as_of": on}),),
                wording="The exchange rate {c1.subject} is {c1.rate} as of {c1.as_of}.",
            ),
        ]
    )


def _table(rng: Random) -> Request:
    on, by = rng.choice(DATES), rng.choice(["sector", "currency"])
    return Request(
        question=f"Exposure of the sample book by {by} as of {on}",
        tools=(("exposure", {"portfolio": "sample book", "by": by, "as_of": on}),),
        wording="The exposure of {c1.subject} by {c1.by} is: {c1.exposure}.",
    )


def _greek(rng: Random) -> Request:
    greek, kind = rng.choice(["delta", "gamma", "vega"]), rng.choice(["put", "call"])
    strike, on = rng.choice(["4000", "4200", "3800"]), rng.choice(DATES)
    return Request(
        question=f"{greek} of a {strike} {kind} on the S&P 500 expiring 2023-06-16 as of {on}",
        tools=(
            (
                "option_greek",
                {
                    "greek": greek,
                    "underlying": "S&P 500",
                    "option_type": kind,
                    "strike": strike,
                    "expiry": "2023-06-16",
                    "as_of": on,
                },
            ),
        ),
        wording=f"The {{c1.greek}} of {{c1.subject}} is {{c1.{greek}}} as of {{c1.as_of}}.",
    )


def _limits(rng: Random) -> Request:
    on = rng.choice(DATES)
    return Request(
        question=f"Is the sample book within its limits as of {on}?",
        tools=(("limit_check", {"portfolio": "sample book", "as_of": on}),),
        wording="{c1.subject} shows {c1.status} as of {c1.as_of}. The limits: {c1.limits}.",
    )


MAKERS = (
    _tail,
    _tail,
    _two_tails,
    _stress,
    _pnl,
    _change,
    _close,
    _statistic,
    _drawdown,
    _money,
    _table,
    _greek,
    _limits,
)


class Bench:
    """Runs requests and judges answers; the second method always agrees, so nothing leans on it."""

    def __init__(self, data: MarketData) -> None:
        self.index = NameIndex(data.books.names())
        self._executor = ToolExecutor(
            Principal(id="ana", roles=frozenset()),
            market=data.market,
            books=data.books,
            gate=Anything(),
        )

    def call(self, number: int, tool: str, arguments: Mapping[str, str], text: str) -> ToolCall:
        """Run one call."""
        request = RequestedCall(name=tool, arguments=json.dumps(dict(arguments)))
        question = Question(text=text, agent=AgentName.AUTO, book=None, as_of=None)
        return self._executor.execute(CallId(f"c{number}"), request, question)

    def answers(self, number: int, seed: int) -> Iterator[Answer]:
        """Distinct correct answers, of every kind in turn."""
        rng = Random(seed)
        seen: set[tuple[str, str]] = set()
        for index in range(20 * number):
            request = MAKERS[index % len(MAKERS)](rng)
            key = (request.question, request.wording)
            if key in seen:
                continue
            seen.add(key)
            yield self.answer(request)
            if len(seen) == number:
                return

    def answer(self, request: Request) -> Answer:
        """Run a request's calls and fill its wording."""
        calls = tuple(
            self.call(number, tool, arguments, request.question)
            for number, (tool, arguments) in enumerate(request.tools, 1)
        )
        template = request.wording
        for call in calls:
            assert call.result is not None, (request.question, call.error)
            for name, item in call.result.fields.items():
                reference = f"[[{call.id}.{name}|{item.unit}|{item.decimals}]]"
                template = template.replace(f"{{{call.id}.{name}}}", reference)
            for name in ("exposure", "limits", *call.labels):
                template = template.replace(f"{{{call.id}.{name}}}", f"[[{call.id}.{name}]]")
        template = self._compared(template, calls)
        parts, flaws = bind(template, {call.id: call for call in calls})
        assert not flaws, (template, flaws)
        text = "".join(part.text for part in parts)
        return Answer(request=request, calls=calls, template=template, text=text)

    @staticmethod
    def _compared(template: str, calls: tuple[ToolCall, ...]) -> str:
        """Fill in the words of comparison that the results call for."""
        fields = [call.result.fields for call in calls if call.result]
        headline = calls[0].result.headline if calls[0].result else ""
        values = [row[headline].value for row in fields if headline in row]
        is_up = bool(values) and values[0] > 0
        is_more = len(values) == 2 and values[0] > values[1]
        return (
            template.replace("{higher}", "higher" if is_more else "lower")
            .replace("{rose}", "rose" if is_up else "fell")
            .replace("{lost}", "gained" if is_up else "lost")
        )

    def check_bound(self, template: str, calls: tuple[ToolCall, ...], message: str) -> Validation:
        """Judge a template as the agents' answers are judged."""
        return validate(
            template,
            Grounds(
                message=message,
                calls=calls,
                entities=self.index,
                optional_arguments=OPTIONAL,
                confirm=agrees,
            ),
        )

    def checker(self, calls: tuple[ToolCall, ...]) -> TextCheck:
        """A checker of free text on the results of some calls."""
        evidence = [
            gather(call.id, call.result, inputs=call.inputs, labels=call.labels, index=self.index)
            for call in calls
            if call.result is not None
        ]
        return TextCheck(
            evidence, index=self.index, confirmations={call.id: agrees(call) for call in calls}
        )

    def check_text(self, text: str, calls: tuple[ToolCall, ...]) -> TextReport:
        """Judge free text."""
        return self.checker(calls)(text)


def agrees(call: ToolCall) -> Confirmation:
    """A second method that confirms every field."""
    assert call.result is not None
    checks = {
        name: FieldCheck(
            value=item.value, difference=item.value * 0, tolerance=item.value * 0, is_within=True
        )
        for name, item in call.result.fields.items()
    }
    return Confirmation(method="agrees", checks=checks, failure=None)
