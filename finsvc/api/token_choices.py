"""Log-probabilities of an answer's tokens, in the form of both of OpenAI's APIs."""

from finsvc.services.conversation import Candidate, TokenChoice


def logprob_items(choices: tuple[TokenChoice, ...]) -> list[dict[str, object]]:
    """One item for each token, with the most likely ones in its place."""
    return [
        {**_candidate(item.chosen), "top_logprobs": [_candidate(other) for other in item.top]}
        for item in choices
    ]


def _candidate(item: Candidate) -> dict[str, object]:
    return {
        "token": item.data.decode("utf-8", "replace"),
        "logprob": item.logprob,
        "bytes": list(item.data),
    }
