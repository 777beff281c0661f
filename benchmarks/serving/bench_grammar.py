"""What grammars cost: compiling, masks, and throughput.

Run: `python -m benchmarks.run benchmarks/serving/bench_grammar.py`. Bars: a mask takes at most 1 ms
at the 99th percentile, and grammars cost at most 3 % of throughput at batch 16.
The public schemas are those of `maskbench/data/Glaiveai2K---*.json` of guidance-ai/jsonschemabench,
read from the folder of the tests' third-party data; without it their case is skipped.
"""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from statistics import mean

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

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
from engine.job import JobEvent, TokenEvent
from engine.tokenizer import Tokenizer
from engine.types import GenerationRequest
from finsvc.adapters.engine import EMBEDDED_FOLDER, IDENTITY
from finsvc.agents.catalogue import INSTRUCTIONS, AgentName, tools_of
from finsvc.calculators.registry import CALCULATORS
from tests.data import test_data
from tests.engine.harmony.o200k import o200k_tokenizer
from tests.engine.harmony.streams import stream

NUM_PUBLIC = 300
BATCH = 16
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
    """Yield the microseconds of each mask with its token taken in; ends where one is refused."""
    for token_id in token_ids:
        start = time.perf_counter()
        words = mask.bitmask()
        taken = time.perf_counter() - start
        if not int(words[token_id // 32]) >> (token_id % 32) & 1:
            return
        start = time.perf_counter()
        mask.accept(token_id)
        yield (taken + time.perf_counter() - start) * 1e6


def wander(mask: GrammarMask, tokenizer: Tokenizer, rng: random.Random) -> Iterator[float]:
    """Yield the microseconds of each mask along random allowed tokens that soon end."""
    ends = [tokenizer.special_id("<|call|>"), *(tokenizer.encode(text)[0] for text in '"}]0')]
    for step in range(STEPS_MAX):
        start = time.perf_counter()
        words = mask.bitmask()
        taken = time.perf_counter() - start
        closing = [end for end in ends if int(words[end // 32]) >> (end % 32) & 1]
        if closing and rng.random() < 0.2 + step / STEPS_MAX:
            token_id = closing[0]
        else:
            at = int(rng.choice(np.flatnonzero(words)))
            bits = [bit for bit in range(32) if int(words[at]) >> bit & 1]
            token_id = 32 * at + rng.choice(bits)
        start = time.perf_counter()
        mask.accept(token_id)
        yield (taken + time.perf_counter() - start) * 1e6
        if mask.is_complete:
            return


def percentiles(values: Sequence[float], unit: str) -> dict[str, float]:
    """Mean and percentiles with their unit in the name."""
    found = {f"p{p}_{unit}": float(np.percentile(values, p)) for p in (50, 90, 99)}
    return {
        f"mean_{unit}": mean(values),
        f"max_{unit}": max(values),
        **found,
        f"n_{unit}": len(values),
    }


@pytest.mark.parametrize("name", ["embedded", "o200k"])
@pytest.mark.parametrize("turn", ["call", "answer"])
def test_masks_of_an_agent_turn(benchmark: BenchmarkFixture, turn: str, name: str) -> None:
    """Masks of gold turns of the agents, one after the other, nothing hidden."""
    tokenizer, grammars = vocabulary(name)
    lark = agent_lark(grammars)
    token_ids = stream(ANSWER if turn == "answer" else CALL.format("value_at_risk"), tokenizer)
    costs: list[float] = []
    compiled: list[float] = []

    def once() -> None:
        start = time.perf_counter()
        mask = grammars.mask(lark)
        compiled.append((time.perf_counter() - start) * 1e3)
        costs.extend(follow(mask, token_ids))
        assert mask.is_complete

    benchmark.pedantic(once, rounds=20)
    benchmark.extra_info.update(percentiles(costs, "us"))
    benchmark.extra_info.update(percentiles(compiled, "compile_ms"))


def measure(
    benchmark: BenchmarkFixture, schemas: Sequence[Mapping[str, object]], name: str
) -> None:
    """Compile each schema as a strict tool and wander through its arguments."""
    tokenizer, grammars = vocabulary(name)
    costs: list[float] = []
    compiled: list[float] = []
    refused: list[str] = []

    def once() -> None:
        for seed, schema in enumerate(schemas):
            tool = CallableTool(name="tool", parameters=schema, is_strict=True)
            start = time.perf_counter()
            try:
                lark = completion_lark(CompletionRules(tools=(tool,)))
            except SchemaError as error:
                refused.append(error.actual)
                continue
            mask = grammars.mask(lark)
            compiled.append((time.perf_counter() - start) * 1e3)
            head = "<|channel|>commentary to=functions.tool <|constrain|>json<|message|>"
            for token_id in stream(head, tokenizer):
                mask.accept(token_id)
            costs.extend(wander(mask, tokenizer, random.Random(seed)))  # noqa: S311

    benchmark.pedantic(once, rounds=1)
    benchmark.extra_info.update(percentiles(costs, "us"))
    benchmark.extra_info.update(percentiles(compiled, "compile_ms"))
    benchmark.extra_info.update(schemas=len(schemas), refused=len(refused))


@pytest.mark.parametrize("name", ["embedded", "o200k"])
def test_masks_of_the_calculators(benchmark: BenchmarkFixture, name: str) -> None:
    """The service's own calculators as strict tools."""
    measure(benchmark, [entry.input_schema for entry in CALCULATORS.values()], name)


@pytest.mark.parametrize("name", ["embedded", "o200k"])
def test_masks_of_public_function_calls(benchmark: BenchmarkFixture, name: str) -> None:
    """Schemas of function calls that others collected."""
    folder = test_data("jsonschemabench/maskbench/data")
    files = sorted(folder.glob("Glaiveai2K---*.json"))[:NUM_PUBLIC]
    measure(benchmark, [schema_of(file) for file in files], name)


def schema_of(file: Path) -> Mapping[str, object]:
    """The schema of a file of MaskBench."""
    schema = json.loads(file.read_text())["schema"]
    assert isinstance(schema, dict)
    return schema


@pytest.mark.parametrize("name", ["embedded", "o200k"])
def test_masks_beside_a_step_of_the_model(benchmark: BenchmarkFixture, name: str) -> None:
    """What masks add to steps of 16 sequences, the step being a product of 8 ms on one core."""
    tokenizer, grammars = vocabulary(name)
    torch.set_num_threads(1)
    left, right = torch.rand(512, 1024), torch.rand(1024, 640)
    start = time.perf_counter()
    for _ in range(20):
        left @ right
    repeats = max(1, round(0.008 / ((time.perf_counter() - start) / 20)))
    lark = agent_lark(grammars)
    token_ids = stream(ANSWER, tokenizer)

    def run(masks: Sequence[GrammarMask]) -> float:
        begin = time.perf_counter()
        for token_id in token_ids:
            for _ in range(repeats):
                left @ right
            for mask in masks:
                mask.bitmask()
            for mask in masks:
                mask.accept(token_id)
        return time.perf_counter() - begin

    without: list[float] = []
    masked: list[float] = []
    for _ in range(5):
        without.append(run(()))
        masked.append(run([grammars.mask(lark) for _ in range(BATCH)]))
    benchmark.pedantic(lambda: run(()), rounds=1)
    benchmark.extra_info["lost"] = 1 - min(without) / min(masked)
    benchmark.extra_info["lost_median"] = 1 - np.median(without) / float(np.median(masked))


def test_throughput_of_the_embedded_model(benchmark: BenchmarkFixture) -> None:
    """The same 16 agent questions together on the embedded model, with and without grammars."""
    engine = Engine.load(EMBEDDED_FOLDER, num_threads=1)
    tools = tools_of(AgentName.RISK)
    specs = tuple(
        ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters)
        for tool in tools
    )
    developer = DeveloperPrompt(instructions=INSTRUCTIONS, tools=specs)
    stop_ids = frozenset(engine.tokenizer.special_id(n) for n in ("<|return|>", "<|call|>"))
    requests, larks = [], []
    for days in range(1, BATCH + 1):
        question = f"What is the 99% {days}-day VaR of the sample book on 2022-06-30?"
        conversation = Conversation(
            system=SystemPrompt(identity=IDENTITY),
            developer=developer,
            messages=(Message.user(question),),
        )
        prompt_ids = tuple(render_conversation(conversation, engine.tokenizer))
        requests.append(
            GenerationRequest(prompt_ids=prompt_ids, max_new_tokens=64, stop_ids=stop_ids)
        )
        grammars = [ToolGrammar.from_spec(spec) for spec in specs]
        turn = engine.grammars.agent_turn(grammars, span_source=question, references=())
        larks.append(turn.lark)

    def run(*, has_grammar: bool) -> tuple[float, int]:
        """Return seconds and tokens from the first token of all on, so without prompts."""
        events: SimpleQueue[JobEvent] = SimpleQueue()
        for request, lark in zip(requests, larks, strict=True):
            mask = engine.grammars.mask(lark) if has_grammar else None
            engine.core.submit(request, events.put, mask=mask)
        num_first, start, num_tokens = 0, time.perf_counter(), 0
        while engine.core.has_work:
            engine.core.step()
            while not events.empty():
                assert isinstance(events.get(), TokenEvent)
                num_tokens += 1
            if num_first == 0 and num_tokens >= BATCH:
                num_first, start = num_tokens, time.perf_counter()
        return time.perf_counter() - start, num_tokens - num_first

    run(has_grammar=True)
    rates: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(5):
        for has_grammar, found in rates.items():
            seconds, num_tokens = run(has_grammar=has_grammar)
            found.append(num_tokens / seconds)
    benchmark.pedantic(lambda: run(has_grammar=True), rounds=1)
    without, masked = (float(np.median(rates[key])) for key in (False, True))
    benchmark.extra_info.update(
        tokens_per_s_without=without, tokens_per_s=masked, lost=1 - masked / without
    )
