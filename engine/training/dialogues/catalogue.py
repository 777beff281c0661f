"""The 18 agent tools as the service declares them: arguments, fields, sentences.

This is the generator's own statement of the contract with the service; a test of the service
compares the two. Field units are given per field; `CUR` stands for the currency of the result.
"""

from dataclasses import dataclass
from typing import NamedTuple

from engine.training.dialogues.types import Agent


class Argument(NamedTuple):
    """A tool argument; every argument is a string copied from the question."""

    name: str
    required: bool


class Field(NamedTuple):
    """A result field; empty unit = text or table, cited as `[[c1.name]]`."""

    name: str
    unit: str = ""
    decimals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One canonical tool.

    `final` cites fields as `<name>`; `fields` are those that the sentence cites, in the order
    in which the service reports them.
    """

    name: str
    agent: Agent
    description: str
    arguments: tuple[Argument, ...]
    fields: tuple[Field, ...]
    final: str


def _arguments(text: str) -> tuple[Argument, ...]:
    return tuple(Argument(word.rstrip("!"), word.endswith("!")) for word in text.split())


_SUBJECT = Field("subject")
_SPECS: tuple[tuple[str, Agent, str, str, tuple[Field, ...], str], ...] = (
    (
        "value_at_risk",
        Agent.RISK,
        "Value at risk of a book or position.",
        "portfolio! confidence horizon method as_of",
        (_SUBJECT, Field("var", "CUR", 0)),
        "The value at risk of <subject> is <var>.",
    ),
    (
        "expected_shortfall",
        Agent.RISK,
        "Expected shortfall of a book or position.",
        "portfolio! confidence horizon method as_of",
        (_SUBJECT, Field("es", "CUR", 0)),
        "The expected shortfall of <subject> is <es>.",
    ),
    (
        "stress_test",
        Agent.RISK,
        "Profit or loss of a book or position in a stress scenario.",
        "portfolio! scenario! as_of",
        (_SUBJECT, Field("scenario"), Field("pnl", "CUR", 0)),
        "The profit or loss of <subject> under <scenario> is <pnl>.",
    ),
    (
        "exposure",
        Agent.RISK,
        "Exposure of a book or position by currency, sector or instrument.",
        "portfolio! by as_of",
        (_SUBJECT, Field("by"), Field("exposure")),
        "The exposure of <subject> by <by> is: <exposure>.",
    ),
    (
        "profit_and_loss",
        Agent.RISK,
        "Profit and loss of a book or position between two dates.",
        "portfolio! start! end",
        (_SUBJECT, Field("start"), Field("end"), Field("pnl", "CUR", 0)),
        "The profit and loss of <subject> from <start> to <end> is <pnl>.",
    ),
    (
        "option_price",
        Agent.RISK,
        "Price of a European option.",
        "underlying! option_type! strike! expiry! as_of",
        (_SUBJECT, Field("price", "CUR", 2)),
        "The price of <subject> is <price>.",
    ),
    (
        "option_greek",
        Agent.RISK,
        "Sensitivity of a European option.",
        "greek! underlying! option_type! strike! expiry! as_of",
        (Field("greek"), _SUBJECT, Field("sensitivity", "1", 4)),
        "The <greek> of <subject> is <sensitivity>.",
    ),
    (
        "price",
        Agent.MARKET,
        "Closing price of an instrument.",
        "instrument! as_of",
        (_SUBJECT, Field("close", "CUR", 2), Field("as_of")),
        "<subject> closed at <close> on <as_of>.",
    ),
    (
        "price_change",
        Agent.MARKET,
        "Price change of an instrument between two dates.",
        "instrument! start! end",
        (_SUBJECT, Field("change", "%", 2), Field("start"), Field("end")),
        "<subject> changed by <change> from <start> to <end>.",
    ),
    (
        "volatility",
        Agent.MARKET,
        "Realised volatility of an instrument.",
        "instrument! window as_of",
        (_SUBJECT, Field("volatility", "%", 2)),
        "The volatility of <subject> is <volatility>.",
    ),
    (
        "correlation",
        Agent.MARKET,
        "Correlation of two instruments.",
        "first! second! window as_of",
        (_SUBJECT, Field("correlation", "1", 2)),
        "The correlation of <subject> is <correlation>.",
    ),
    (
        "beta",
        Agent.MARKET,
        "Beta of an instrument to a benchmark.",
        "instrument! benchmark window as_of",
        (_SUBJECT, Field("benchmark"), Field("beta", "1", 2)),
        "The beta of <subject> to <benchmark> is <beta>.",
    ),
    (
        "drawdown",
        Agent.MARKET,
        "Maximum drawdown of an instrument.",
        "instrument! start end",
        (_SUBJECT, Field("drawdown", "%", 2)),
        "The maximum drawdown of <subject> is <drawdown>.",
    ),
    (
        "convert_currency",
        Agent.MARKET,
        "Amount converted from one currency to another.",
        "amount! from! to! as_of",
        (Field("amount", "FROM", 2), Field("converted", "TO", 2)),
        "<amount> is <converted>.",
    ),
    (
        "fx_rate",
        Agent.MARKET,
        "Exchange rate of a currency pair.",
        "pair! as_of",
        (_SUBJECT, Field("rate", "RATE", 4)),
        "The exchange rate of <subject> is <rate>.",
    ),
    (
        "limit_check",
        Agent.COMPLIANCE,
        "Check of a book against its limits.",
        "portfolio! limit as_of",
        (_SUBJECT, Field("status"), Field("limits")),
        "The limit check of <subject> shows <status>: <limits>.",
    ),
    (
        "large_exposures",
        Agent.COMPLIANCE,
        "Positions above a share of the value of a book.",
        "portfolio! threshold as_of",
        (_SUBJECT, Field("exposures")),
        "The large exposures of <subject> are: <exposures>.",
    ),
    (
        "positions",
        Agent.COMPLIANCE,
        "Positions of a book.",
        "portfolio! as_of",
        (_SUBJECT, Field("positions")),
        "<subject> holds: <positions>.",
    ),
)

INTENTS: dict[str, Intent] = {
    name: Intent(
        name=name,
        agent=agent,
        description=description,
        arguments=_arguments(arguments),
        fields=fields,
        final=final,
    )
    for name, agent, description, arguments, fields, final in _SPECS
}

SHARED_INTENTS = ("price", "fx_rate", "convert_currency", "positions")

FINAL_ERROR = "This cannot be computed: <error>."
FINAL_DECLINE = "None of my tools can answer this."
ASK_BACK: dict[str, str] = {
    "portfolio": "Which book or position do you mean?",
    "instrument": "Which instrument do you mean?",
    "first": "Which instrument do you mean?",
    "second": "Which instrument do you mean?",
    "scenario": "Which scenario do you mean?",
    "start": "Which dates do you mean?",
    "amount": "Which amount do you mean?",
    "from": "Which currencies do you mean?",
    "to": "Which currencies do you mean?",
    "pair": "Which currencies do you mean?",
    "strike": "Which strike do you mean?",
    "expiry": "Which expiry do you mean?",
    "option_type": "Do you mean a call or a put?",
    "underlying": "Which underlying do you mean?",
    "greek": "Which sensitivity do you mean?",
}


def intents_of(agent: Agent) -> tuple[str, ...]:
    """Names of the tools that the agent shows, in catalogue order."""
    return tuple(
        name
        for name, intent in INTENTS.items()
        if agent is Agent.AUTO or intent.agent is agent or name in SHARED_INTENTS
    )
