"""What grammars cost: compiling, masks, and throughput.

    python -m benchmarks.serving.grammar_cost [PART ...]

Parts: masks, throughput, parser; all by default, two minutes. The public schemas are those of
`maskbench/data/Glaiveai2K---*.json` of guidance-ai/jsonschemabench, read from the folder of the
tests' third-party data (`FINSVC_TEST_DATA`); without it their case is skipped, and said to be.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from benchmarks.serving.bars import Row, judge, keep, say
from benchmarks.serving.bench_parser import TURN
from engine.engine import Engine
from engine.grammar import GrammarEngine, GrammarMask, ToolGrammar
from engine.grammar_schema import SchemaError
from engine.grammar_turn import CallableTool, CompletionRules, completion_lark
from engine.harmony.messages import (
    Conversation,
    DeveloperPrompt,
    Message,
    SystemPrompt,
    ToolSpec,
)
from engine.harmony.render import render_conversation
from engine.harmony.stream import TurnStream
from engine.job import JobEvent, TokenEvent
from engine.tokenizer import Tokenizer
from engine.types import GenerationRequest, Sampling
from finsvc.adapters.engine import EMBEDDED_FOLDER, IDENTITY
from finsvc.agents.catalogue import INSTRUCTIONS, AgentName, tools_of
from finsvc.calculators.registry import CALCULATORS
from tests.data import test_data
from tests.engine.harmony.o200k import o200k_tokenizer
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

VOCABULARIES = ("embedded", "o200k")
NUM_PUBLIC = 300
TURNS = 20
BATCH = 16
PAIRS = 20
STEPS_MAX = 80
QUESTION = "What is the 99% 10-day VaR of the sample book on 2022-06-30?"
REFERENCES = ("[[c1.subject]]", "[[c1.var|USD|0]]", "[[c2.limits]]")
ANSWER = (
    "<|channel|>final<|message|>The 10-day value at risk of [[c1.subject]] at 99% is "
    "[[c1.var|USD|0]], which is above the limit.<|return|>"
)
CALL = (
    "<|channel|>commentary to=functions.{} <|constrain|>json<|message|>"
    '{{"portfolio":"sample book","confidence":"99%"}}<|call|>'
)


@cache
def vocabulary(name: str) -> tuple[Tokenizer, GrammarEngine]:
    """A vocabulary and its token table."""
    tokenizer = Tokenizer.from_folder(EMBEDDED_FOLDER) if name == "embedded" else o200k_tokenizer()
    return tokenizer, GrammarEngine(tokenizer)


def agent_lark(grammars: GrammarEngine) -> str:
    """The grammar of a risk question's turn."""
    tools = [
        ToolGrammar.from_spec(ToolSpec(name=tool.name, description="", parameters=tool.parameters))
        for tool in tools_of(AgentName.RISK)
    ]
    return grammars.agent_turn(tools, span_source=QUESTION, references=REFERENCES).lark


def follow(mask: GrammarMask, token_ids: Sequence[int]) -> Iterator[float]:
    """Yield the microseconds of each mask with its token taken in; ends where one is refused.

    Of this thread's processor time: other work on the machine would else be the 99th percentile.
    """
    for token_id in token_ids:
        start = time.thread_time()
        words = mask.bitmask()
        taken = time.thread_time() - start
        if not int(words[token_id // 32]) >> (token_id % 32) & 1:
            return
        start = time.thread_time()
        mask.accept(token_id)
        yield (taken + time.thread_time() - start) * 1e6


def wander(mask: GrammarMask, tokenizer: Tokenizer, rng: random.Random) -> Iterator[float]:
    """Yield the microseconds, as `follow`, of each mask along random allowed tokens that end."""
    ends = [tokenizer.special_id("<|call|>"), *(tokenizer.encode(text)[0] for text in '"}]0')]
    for step in range(STEPS_MAX):
        start = time.thread_time()
        words = mask.bitmask()
        taken = time.thread_time() - start
        closing = [end for end in ends if int(words[end // 32]) >> (end % 32) & 1]
        if closing and rng.random() < 0.2 + step / STEPS_MAX:
            token_id = closing[0]
        else:
            at = int(rng.choice(np.flatnonzero(words)))
            bits = [bit for bit in range(32) if int(words[at]) >> bit & 1]
            token_id = 32 * at + rng.choice(bits)
        start = time.thread_time()
        mask.accept(token_id)
        yield (taken + time.thread_time() - start) * 1e6
        if mask.is_complete:
            return


def percentiles(values: Sequence[float]) -> Row:
    """Mean and percentiles in microseconds."""
    found = {f"p{p}_us": round(float(np.percentile(values, p)), 1) for p in (50, 90, 99)}
    return {"mean_us": round(statistics.mean(values), 1), **found, "masks": len(values)}


def mask_row(case: str, costs: Sequence[float], compiled: Sequence[float], **more: object) -> Row:
    """A row of masks, each with its token taken in, and of compilations."""
    p50, p99 = (round(float(np.percentile(compiled, p)), 2) for p in (50, 99))
    row = {**percentiles(costs), "compile_p50_ms": p50, "compile_p99_ms": p99, **more}
    return {"metric": "masks", "case": case, **row}


def measure_turns(name: str, turn: str) -> Row:
    """Masks of gold turns of the agents, one after the other, nothing hidden."""
    tokenizer, grammars = vocabulary(name)
    lark = agent_lark(grammars)
    token_ids = stream(ANSWER if turn == "answer" else CALL.format("value_at_risk"), tokenizer)
    costs: list[float] = []
    compiled: list[float] = []
    for _ in range(TURNS):
        start = time.perf_counter()
        mask = grammars.mask(lark)
        compiled.append((time.perf_counter() - start) * 1e3)
        costs.extend(follow(mask, token_ids))
        assert mask.is_complete
    return mask_row(f"agent {turn}, {name}", costs, compiled)


def measure_schemas(name: str, kind: str, schemas: Sequence[Mapping[str, object]]) -> Row:
    """Compile each schema as a strict tool and wander through its arguments."""
    tokenizer, grammars = vocabulary(name)
    costs: list[float] = []
    compiled: list[float] = []
    head = "<|channel|>commentary to=functions.tool <|constrain|>json<|message|>"
    for seed, schema in enumerate(schemas):
        tool = CallableTool(name="tool", parameters=schema, is_strict=True)
        start = time.perf_counter()
        try:
            lark = completion_lark(CompletionRules(tools=(tool,)))
        except SchemaError:
            continue
        mask = grammars.mask(lark)
        compiled.append((time.perf_counter() - start) * 1e3)
        for token_id in stream(head, tokenizer):
            mask.accept(token_id)
        costs.extend(wander(mask, tokenizer, random.Random(seed)))  # noqa: S311  # repeatable
    more = {"schemas": len(schemas), "refused": len(schemas) - len(compiled)}
    return mask_row(f"{kind}, {name}", costs, compiled, **more)


def public_schemas() -> list[Mapping[str, object]]:
    """Schemas of function calls that others collected."""
    folder = test_data("jsonschemabench/maskbench/data")
    return [schema_of(file) for file in sorted(folder.glob("Glaiveai2K---*.json"))[:NUM_PUBLIC]]


def schema_of(file: Path) -> Mapping[str, object]:
    """The schema of a file of MaskBench."""
    schema = json.loads(file.read_text())["schema"]
    assert isinstance(schema, dict)
    return schema


def measure_masks() -> Iterator[Row]:
    """Yield the rows of masks, the two vocabularies in turn."""
    own = [entry.input_schema for entry in CALCULATORS.values()]
    for name in VOCABULARIES:
        cases: tuple[Callable[[str], Row], ...] = (
            lambda name: measure_turns(name, "answer"),
            lambda name: measure_turns(name, "call"),
            lambda name: measure_schemas(name, "calculators", own),
            lambda name: measure_schemas(name, "public calls", public_schemas()),
        )
        for case in cases:
            try:
                yield case(name)
            except pytest.skip.Exception as reason:
                say(f"skipped: {reason}")


class Batch:
    """The same agents' questions together on the embedded model, with grammars and without.

    Both take as many tokens as the grammars' turns have, so that steps are of equal shape.
    """

    def __init__(self, sampling: Sampling) -> None:
        """Load the model, with one thread, and learn how long the turns are."""
        self._engine = Engine.load(EMBEDDED_FOLDER, num_threads=1)
        tokenizer = self._engine.tokenizer
        stop_ids = frozenset(tokenizer.special_id(n) for n in ("<|return|>", "<|call|>"))
        specs = tuple(
            ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters)
            for tool in tools_of(AgentName.RISK)
        )
        tools = [ToolGrammar.from_spec(spec) for spec in specs]
        self._requests, self._larks = [], []
        for days in range(1, BATCH + 1):
            question = f"What is the 99% {days}-day VaR of the sample book on 2022-06-30?"
            conversation = Conversation(
                system=SystemPrompt(identity=IDENTITY),
                developer=DeveloperPrompt(instructions=INSTRUCTIONS, tools=specs),
                messages=(Message.user(question),),
            )
            request = GenerationRequest(
                prompt_ids=tuple(render_conversation(conversation, tokenizer)),
                max_new_tokens=64,
                stop_ids=stop_ids,
                sampling=sampling,
            )
            self._requests.append(request)
            turn = self._engine.grammars.agent_turn(tools, span_source=question, references=())
            self._larks.append(turn.lark)
        _, _, lengths = self.run(has_grammar=True)
        self._requests = [
            replace(request, max_new_tokens=length, stop_ids=frozenset())
            for request, length in zip(self._requests, lengths, strict=True)
        ]

    def run(self, *, has_grammar: bool) -> tuple[float, float, list[int]]:
        """Return seconds, seconds of the processor, and tokens of each request.

        Time counts from the first token of all on, so without prompts.
        """
        events: SimpleQueue[JobEvent] = SimpleQueue()
        core = self._engine.core
        counts: dict[int, int] = {}
        for request, lark in zip(self._requests, self._larks, strict=True):
            mask = self._engine.grammars.mask(lark) if has_grammar else None
            counts[core.submit(request, events.put, mask=mask)] = 0
        start = None
        while core.has_work:
            core.step()
            while not events.empty():
                event = events.get()
                assert isinstance(event, TokenEvent)
                counts[event.job_id] += 1
            if start is None and min(counts.values()) > 0:
                start = time.perf_counter(), time.thread_time()
        assert start is not None
        taken = time.perf_counter() - start[0], time.thread_time() - start[1]
        return (*taken, list(counts.values()))


def measure_throughput(case: str, sampling: Sampling) -> Row:
    """Compare runs in pairs; other work on the machine moves both, and processor time least."""
    batch = Batch(sampling)
    batch.run(has_grammar=False)
    lost: list[tuple[float, float]] = []
    seconds: list[float] = []
    for number in range(PAIRS):
        order = (True, False) if number % 2 else (False, True)
        found = {has_grammar: batch.run(has_grammar=has_grammar) for has_grammar in order}
        (wall, cpu, lengths), (wall_free, cpu_free, lengths_free) = found[True], found[False]
        assert lengths == lengths_free
        lost.append((100 * (1 - wall_free / wall), 100 * (1 - cpu_free / cpu)))
        seconds.append(wall)
    wall_25, wall_50, wall_75 = np.percentile([pair[0] for pair in lost], (25, 50, 75))
    cpu_25, cpu_50, cpu_75 = np.percentile([pair[1] for pair in lost], (25, 50, 75))
    return {
        "metric": "grammar_batch_16",
        "case": case,
        "tokens_per_s": round(sum(lengths) / statistics.median(seconds)),
        "lost_percent": round(float(wall_50), 2),
        "lost_percent_p25_p75": [round(float(wall_25), 2), round(float(wall_75), 2)],
        "lost_cpu_percent": round(float(cpu_50), 2),
        "lost_cpu_percent_p25_p75": [round(float(cpu_25), 2), round(float(cpu_75), 2)],
        "pairs": PAIRS,
    }


def measure_parser() -> Row:
    """Tokens a second that the streaming parser reads, one at a time."""
    tokenizer = small_tokenizer()
    token_ids = stream(TURN, tokenizer)
    seconds = []
    for _ in range(40):
        reader = TurnStream(tokenizer, ())
        start = time.perf_counter()
        for token_id in token_ids:
            reader.take([token_id])
        reader.end()
        seconds.append(time.perf_counter() - start)
        assert not reader.turn.repairs
    rate = len(token_ids) / statistics.median(seconds)
    return {"metric": "parser", "tokens_per_s": round(rate), "tokens": len(token_ids)}


def rows_of(parts: Sequence[str]) -> Iterator[Row]:
    """Measure parts, and show each row as it comes."""
    measures: dict[str, Callable[[], Iterator[Row]]] = {
        "masks": measure_masks,
        "throughput": lambda: (
            measure_throughput(case, sampling)
            for case, sampling in (
                ("greedy", Sampling()),
                ("sampled", Sampling(temperature=0.7, seed=1)),
            )
        ),
        "parser": lambda: iter([measure_parser()]),
    }
    for part in parts or list(measures):
        for row in measures[part]():
            say("  ".join(f"{name} {value}" for name, value in row.items() if name != "metric"))
            yield row


def main() -> int:
    """Measure, keep the rows and judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*")
    rows = list(rows_of(parser.parse_args().parts))
    keep(rows)
    return 0 if judge(rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
