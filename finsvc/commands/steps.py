"""How a step of an agent is told to a person."""


def step_line(event: str, tool: str, detail: str) -> str:
    """One line for a step."""
    if event == "tool":
        return f"  calling {tool} {detail}"
    return "  checking every number" if event == "validate" else f"  {event} {detail}".rstrip()
