"""Rows as a pure function of (seed, index), and as the service would write the same prompt."""

import hashlib
import subprocess
import sys

import numpy as np

from engine.harmony.messages import Conversation, DeveloperPrompt, SystemPrompt
from engine.harmony.render import render_conversation
from engine.tokenizer import Tokenizer
from engine.training.batches import BatchStream, StreamPlan, make_batch
from engine.training.dialogues import Agent, canonical_row
from engine.training.packing import ROLE_ASSISTANT, ROLE_CONTEXT
from engine.training.rows import IDENTITY, messages, pack, packed_row, prefix_ids
from tests.engine.training.factories import EMBEDDED, NUM_POSITIONS

_SCRIPT = """
import hashlib
from pathlib import Path
from engine.tokenizer import Tokenizer
from engine.training.rows import packed_row
tokenizer = Tokenizer.from_folder(Path("engine/embedded"))
row = packed_row(tokenizer, 3, 17, num_positions=2048)
print(hashlib.sha256(row.positions.tobytes()).hexdigest())
"""


def test_row_depends_on_seed_and_index_alone(tokenizer: Tokenizer) -> None:
    here = packed_row(tokenizer, 3, 17, num_positions=2048).positions.tobytes()
    for hash_seed in ("1", "2"):
        other = subprocess.run(  # noqa: S603  # our own script
            [sys.executable, "-c", _SCRIPT],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert other.stdout.strip() == hashlib.sha256(here).hexdigest()
    for seed, idx in ((4, 17), (3, 18)):
        assert packed_row(tokenizer, seed, idx, num_positions=2048).positions.tobytes() != here


def test_stream_yields_the_same_batches_whatever_the_workers(tokenizer: Tokenizer) -> None:
    expected = [
        make_batch(
            np.stack(
                [
                    packed_row(tokenizer, 1, idx, num_positions=NUM_POSITIONS).positions
                    for idx in (first, first + 1)
                ]
            )
        )
        for first in (6, 8)
    ]
    for num_workers in (1, 3):
        plan = StreamPlan(
            seed=1,
            first_step=3,
            batch_rows=2,
            num_positions=NUM_POSITIONS,
            num_workers=num_workers,
            tokenizer=str(EMBEDDED),
        )
        with BatchStream(plan, pin=False) as stream:
            for want in expected:
                found = stream.next()
                assert found.tokens.equal(want.tokens)
                assert found.weights.equal(want.weights)
                assert found.targets.equal(want.targets)


def test_training_prompt_is_the_prompt_of_each_turn(tokenizer: Tokenizer) -> None:
    for agent in Agent:
        source = canonical_row(2, 0, agent)
        packed = pack(tokenizer, source, num_positions=2048)
        prefix = prefix_ids(tokenizer, source)
        for idx, dialogue in enumerate(packed.dialogues[:4], start=1):
            own = packed.positions[packed.positions["segment"] == idx]
            whole = [*prefix, *own["token"].tolist()]
            history = messages(dialogue)
            for cut in range(1, len(history), 2):
                conversation = Conversation(
                    system=SystemPrompt(identity=IDENTITY),
                    developer=DeveloperPrompt(instructions=source.instructions, tools=source.tools),
                    messages=tuple(history[:cut]),
                )
                prompt = render_conversation(conversation, tokenizer)
                assert whole[: len(prompt)] == prompt
                at = len(prompt) - len(prefix)
                # The assistant's own words begin where generation would.
                assert own["role"][at] == ROLE_ASSISTANT
                assert own["role"][at - 1] == ROLE_CONTEXT


def test_assistant_writes_all_calls_and_the_answer_and_nothing_else(tokenizer: Tokenizer) -> None:
    source = canonical_row(2, 1, Agent.AUTO)
    packed = pack(tokenizer, source, num_positions=2048)
    for idx, dialogue in enumerate(packed.dialogues, start=1):
        own = packed.positions[packed.positions["segment"] == idx]
        is_own = own["role"] == ROLE_ASSISTANT
        said = tokenizer.decode(own["token"][is_own].tolist())
        assert said.count("commentary to=functions.") == len(dialogue.steps)
        assert said.endswith(f"final<|message|>{dialogue.final}<|return|>")
        heard = tokenizer.decode(own["token"][~is_own].tolist())
        assert dialogue.user in heard
        assert all(step.result in heard for step in dialogue.steps)
        assert all(step.result not in said for step in dialogue.steps)
