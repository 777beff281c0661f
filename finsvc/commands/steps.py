"""How a step of an agent is told to a person."""


def step_line(event: str, tool: str, detail: str) -> str:
    """One line for a step."""
    if event == "tool":
        return f"  calling {tool} {detail}"
    known = {"validate": "checking every number", "sample": "answering once more, to compare"}
    return f"  {known.get(event, event)} {detail}".rstrip()
