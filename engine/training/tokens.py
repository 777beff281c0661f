"""Special tokens of the embedded model and their parts in `config.json`."""

from __future__ import annotations

from collections.abc import Mapping

Specials = Mapping[str, int]

BOS_TOKEN = "<|startoftext|>"  # noqa: S105  # a token of text, not a secret
PAD_TOKEN = "<|endoftext|>"  # noqa: S105  # a token of text, not a secret
# Generation ends with an answer or with a call.
STOP_TOKENS = ("<|return|>", "<|endoftext|>", "<|call|>")
SPECIAL_TOKENS = (
    BOS_TOKEN,
    PAD_TOKEN,
    "<|return|>",
    "<|constrain|>",
    "<|channel|>",
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|call|>",
)
