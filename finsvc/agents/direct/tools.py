"""The calculators as tools, and which of them a question is shown."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from types import MappingProxyType

from finsvc.agents.catalogue import TOOLS, AgentName, AgentTool, tools_of
from finsvc.agents.direct.schema import Kind, Slot, slots
from finsvc.calculators.calculator import Calculator
from finsvc.calculators.capital.catalogue import CAPITAL
from finsvc.calculators.capital.catalogue_ratios import CAPITAL_RATIOS
from finsvc.calculators.catalogue_market import MARKET
from finsvc.calculators.registry import CALCULATORS

# Shown beside the trained tools: a dozen schemas are about 3,000 tokens of prompt.
OFFERED_MAX = 12

_COMPLIANCE = frozenset(entry.name for entry in chain(CAPITAL, CAPITAL_RATIOS)) | {
    "rebalancing_proposal",
    "limit_check",
    "large_exposures",
}
_MARKET = frozenset(entry.name for entry in MARKET) | {
    "discount_curve",
    "year_fraction",
    "volatility_surface",
}
# Words of desks that a definition does not use, with the calculators they mean.
_ALIASES: Mapping[str, str] = {
    "cds": "credit_default_swap",
    "fra": "forward_rate_agreement",
    "irs": "interest_rate_swap",
    "knock": "barrier_option double_barrier_option",
    "touch": "digital_option",
    "binary": "digital_option",
    "kupiec": "coverage_test var_backtest book_backtest",
    "exceptions": "coverage_test book_backtest",
    "frontier": "efficient_frontier",
    "rebalance": "rebalancing_proposal",
    "bootstrap": "discount_curve",
    "gilt": "bond_price",
    "treasury": "bond_price bill_price",
    "garch": "filtered_var",
    "cva": "ba_cva",
    "initial": "simm",
    "frtb": "frtb_sa",
    "ccr": "sa_ccr",
}
_ALIAS_WEIGHT = 8.0
_WORD = re.compile(r"[a-z0-9]+")
_HINTS: Mapping[Kind, str] = {
    Kind.NUMBER: "a number; a percentage with its sign",
    Kind.DATE: "a date",
    Kind.PORTFOLIO: "a book or positions",
    Kind.DOCUMENT: "name of an attached document",
    Kind.PAIRS: "amounts with names, or an attached document",
    Kind.LIST: "values, or an attached document",
}


def agent_of(name: str) -> AgentName:
    """The agent whose speciality a calculator is."""
    if name in _COMPLIANCE:
        return AgentName.COMPLIANCE
    return AgentName.MARKET if name in _MARKET else AgentName.RISK


def _hint(slot: Slot) -> str:
    if slot.kind is Kind.CHOICE:
        return " | ".join(map(str, slot.choices))
    return _HINTS.get(slot.kind, "")


def _tool(entry: Calculator) -> AgentTool:
    """Make the tool of a calculator; its date may be left out, as with the trained tools."""
    found = list(slots(entry.input_schema))
    return AgentTool(
        name=entry.name,
        description=entry.summary,
        agent=agent_of(entry.name),
        arguments={slot.name: slot.is_required and slot.name != "as_of" for slot in found},
        hints={slot.name: _hint(slot) for slot in found if _hint(slot)},
    )


@cache
def direct_tools() -> Mapping[str, AgentTool]:
    """A tool for every calculator whose name is not that of a trained tool, which runs it."""
    return MappingProxyType(
        {name: _tool(entry) for name, entry in CALCULATORS.items() if name not in TOOLS}
    )


def find_tool(name: str) -> AgentTool:
    """The tool of a name, trained or direct.

    Raises:
        KeyError: There is none; the loop lets only offered tools through.
    """
    return TOOLS[name] if name in TOOLS else direct_tools()[name]


def all_tools_of(agent: AgentName) -> tuple[AgentTool, ...]:
    """Trained and direct tools that an agent may be offered, trained ones first."""
    direct = (tool for tool in direct_tools().values() if agent in (AgentName.AUTO, tool.agent))
    return (*tools_of(agent), *direct)


def offered_tools(
    agent: AgentName, message: str, *, limit: int = OFFERED_MAX
) -> tuple[AgentTool, ...]:
    """Tools for a question: the agent's trained ones and the direct ones nearest to its words.

    The same question is always shown the same tools, in the same order.
    """
    words = _words(message)
    direct = [tool for tool in all_tools_of(agent) if tool.name in direct_tools()]
    scores = {tool.name: _score(tool.name, words) for tool in direct}
    ranked = sorted(direct, key=lambda tool: (-scores[tool.name], tool.name))
    chosen = [tool for tool in ranked[:limit] if scores[tool.name] > 0]
    return (*tools_of(agent), *chosen)


def _score(name: str, words: Sequence[str]) -> float:
    """Sum of the rarity of a tool's words that the question has; aliases weigh more."""
    own, rarity = _index()
    found = own[name]
    aliased = sum(_ALIAS_WEIGHT for word in words if name in _ALIASES.get(word, "").split())
    return aliased + sum(rarity[word] * found[word] for word in words if word in found)


@cache
def _index() -> tuple[Mapping[str, Mapping[str, int]], Mapping[str, float]]:
    """Words of every calculator with their weights, and how rare each word is."""
    own = {name: _weights(entry) for name, entry in CALCULATORS.items()}
    counts = Counter(word for found in own.values() for word in found)
    rarity = {word: math.log(1 + len(own) / count) for word, count in counts.items()}
    return own, rarity


def _weights(entry: Calculator) -> Mapping[str, int]:
    """Words of a definition: those of the name count most, those of its fields least."""
    fields = " ".join(spec.name for spec in entry.outputs)
    arguments = " ".join(slot.name for slot in slots(entry.input_schema))
    choices = " ".join(str(choice) for slot in slots(entry.input_schema) for choice in slot.choices)
    weights: Counter[str] = Counter()
    for text, weight in (
        (entry.name, 4),
        (entry.summary, 3),
        (f"{fields} {arguments} {choices}", 1),
    ):
        for word in _words(text):
            weights[word] = max(weights[word], weight)
    return weights


def _words(text: str) -> tuple[str, ...]:
    """Words in lower case without plural s, each once, in order."""
    found = _WORD.findall(text.lower().replace("_", " "))
    return tuple(dict.fromkeys(word.removesuffix("s") if len(word) > 3 else word for word in found))
