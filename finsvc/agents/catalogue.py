"""The tools that agents offer to a model.

Every argument is text copied from the question as written; deterministic parsers turn it into
typed inputs. The embedded model is trained on exactly these names, so a change here needs a new
release of the model (a test compares this table with the training generator's).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AgentName(StrEnum):
    """The agents a question can be put to."""

    AUTO = "auto"
    RISK = "risk"
    COMPLIANCE = "compliance"
    MARKET = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTool:
    """A tool as a model sees it.

    ``arguments`` maps names, in order, to whether required; ``hints`` says of some what they take.
    """

    name: str
    description: str
    agent: AgentName
    arguments: Mapping[str, bool]
    hints: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, object]:
        """JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": {name: self._property(name) for name in self.arguments},
            "required": [name for name, is_required in self.arguments.items() if is_required],
            "additionalProperties": False,
        }

    def _property(self, name: str) -> dict[str, str]:
        hint = self.hints.get(name)
        return {"type": "string"} if hint is None else {"type": "string", "description": hint}


_RISK, _MARKET, _COMPLIANCE = AgentName.RISK, AgentName.MARKET, AgentName.COMPLIANCE
_OPTION = "underlying! option_type! strike! expiry! as_of"

# Agent, name, description, arguments in order; ``!`` marks the required ones.
_ROWS = (
    (
        _RISK,
        "value_at_risk",
        "Value at risk of a book or position.",
        "portfolio! confidence horizon method as_of",
    ),
    (
        _RISK,
        "expected_shortfall",
        "Expected shortfall of a book or position.",
        "portfolio! confidence horizon method as_of",
    ),
    (
        _RISK,
        "stress_test",
        "Profit or loss of a book or position in a stress scenario.",
        "portfolio! scenario! as_of",
    ),
    (
        _RISK,
        "exposure",
        "Exposure of a book or position by currency, sector or instrument.",
        "portfolio! by as_of",
    ),
    (
        _RISK,
        "profit_and_loss",
        "Profit and loss of a book or position between two dates.",
        "portfolio! start! end",
    ),
    (_RISK, "option_price", "Price of a European option.", _OPTION),
    (_RISK, "option_greek", "Sensitivity of a European option.", f"greek! {_OPTION}"),
    (_MARKET, "price", "Closing price of an instrument.", "instrument! as_of"),
    (
        _MARKET,
        "price_change",
        "Price change of an instrument between two dates.",
        "instrument! start! end",
    ),
    (_MARKET, "volatility", "Realised volatility of an instrument.", "instrument! window as_of"),
    (_MARKET, "correlation", "Correlation of two instruments.", "first! second! window as_of"),
    (
        _MARKET,
        "beta",
        "Beta of an instrument to a benchmark.",
        "instrument! benchmark window as_of",
    ),
    (_MARKET, "drawdown", "Maximum drawdown of an instrument.", "instrument! start end"),
    (
        _MARKET,
        "convert_currency",
        "Amount converted from one currency to another.",
        "amount! from! to! as_of",
    ),
    (_MARKET, "fx_rate", "Exchange rate of a currency pair.", "pair! as_of"),
    (
        _COMPLIANCE,
        "limit_check",
        "Check of a book against its limits.",
        "portfolio! limit as_of",
    ),
    (
        _COMPLIANCE,
        "large_exposures",
        "Positions above a share of the value of a book.",
        "portfolio! threshold as_of",
    ),
    (_COMPLIANCE, "positions", "Positions of a book.", "portfolio! as_of"),
)

TOOLS: Mapping[str, AgentTool] = {
    name: AgentTool(
        name=name,
        description=description,
        agent=agent,
        arguments={item.rstrip("!"): item.endswith("!") for item in arguments.split()},
    )
    for agent, name, description, arguments in _ROWS
}

# Every agent may look up what its own answers commonly need beside its specialities.
_SHARED = ("price", "fx_rate", "convert_currency", "positions")

INSTRUCTIONS = (
    "Answer with the tools. Copy each argument from the question as written. "
    "Cite results by their keys; never write a number yourself. "
    "Ask back when something essential is missing. Decline what no tool can answer."
)


def tools_of(agent: AgentName) -> tuple[AgentTool, ...]:
    """Tools that an agent lists, in catalogue order; ``auto`` lists all."""
    return tuple(
        tool
        for tool in TOOLS.values()
        if agent in (AgentName.AUTO, tool.agent) or tool.name in _SHARED
    )
