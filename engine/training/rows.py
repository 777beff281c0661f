"""Generator rows as packed token rows.

Joins three parts that know nothing of each other: the dialogue generator, the harmony renderer and
the packer. Torch-free, as data workers import it.
"""

from __future__ import annotations

import json

from engine.harmony.messages import DeveloperPrompt, Message, SystemPrompt
from engine.harmony.render import render_dialogue, render_prefix
from engine.tokenizer import Tokenizer
from engine.training.dialogues import row
from engine.training.dialogues.types import Dialogue, Row
from engine.training.packing import Continuation, PackedRow, pack_row

# More than ever fit into a row, so that rows end because they are full.
_DIALOGUES_A_ROW = 40

IDENTITY = "You are finsvc, a careful assistant for regulated finance."


def prefix_ids(tokenizer: Tokenizer, source: Row) -> list[int]:
    """Tokens of the system and developer message of a row."""
    developer = DeveloperPrompt(instructions=source.instructions, tools=source.tools)
    return render_prefix(SystemPrompt(identity=IDENTITY), developer, tokenizer)


def messages(dialogue: Dialogue) -> list[Message]:
    """A dialogue as harmony messages; arguments are compact JSON in schema order."""
    out = [Message.user(dialogue.user)]
    for step in dialogue.steps:
        arguments = json.dumps(dict(step.arguments), ensure_ascii=False, separators=(",", ":"))
        out.append(Message.tool_call(step.tool, arguments))
        out.append(Message.tool_result(step.tool, step.result))
    return [*out, Message.final(dialogue.final)]


def continuation(tokenizer: Tokenizer, dialogue: Dialogue) -> Continuation:
    """Tokens of a dialogue after the prefix."""
    rendered = render_dialogue(messages(dialogue), tokenizer)
    return Continuation(ids=rendered.token_ids, is_assistant=rendered.is_assistant)


def pack(tokenizer: Tokenizer, source: Row, *, num_positions: int) -> PackedRow:
    """Packs as many dialogues of a row as fit."""
    parts = [continuation(tokenizer, dialogue) for dialogue in source.dialogues]
    positions, num = pack_row(prefix_ids(tokenizer, source), parts, num_positions=num_positions)
    return PackedRow(positions=positions, dialogues=source.dialogues[:num])


def packed_row(tokenizer: Tokenizer, seed: int, index: int, *, num_positions: int) -> PackedRow:
    """Row `index` of a run: a function of its arguments and of the generator's code alone."""
    source = row(seed, index, num_dialogues=_DIALOGUES_A_ROW)
    return pack(tokenizer, source, num_positions=num_positions)
