"""Tools like those of the agents, for grammar tests: name -> arguments in order, `!` required."""

from engine.grammar import ArgumentGrammar, ToolGrammar

_TOOLS = {
    "value_at_risk": "portfolio! confidence horizon method as_of",
    "stress_test": "portfolio! scenario! as_of",
    "option_price": "underlying! option_type! strike! expiry! as_of",
    "price": "instrument! as_of",
    "convert_currency": "amount! from! to! as_of",
    "drawdown": "instrument! start end",
    "listing": "filter order",
    "clock": "",
}


def agent_tools() -> tuple[ToolGrammar, ...]:
    """Return the tools."""
    return tuple(
        ToolGrammar(
            name=name,
            arguments=tuple(
                ArgumentGrammar(name=argument.rstrip("!"), is_required=argument.endswith("!"))
                for argument in arguments.split()
            ),
        )
        for name, arguments in _TOOLS.items()
    )
