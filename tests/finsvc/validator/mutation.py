"""Runs the mutation suite: how many wrong answers of every class are caught, and how fast."""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from finsvc.domain.verdicts import Verdict
from tests.finsvc.validator.mutants import (
    argument_mutants,
    bound_mutants,
    number_mutants,
    word_mutants,
)
from tests.finsvc.validator.mutation_cases import Answer, Bench

PASSED = frozenset({Verdict.VERIFIED, Verdict.VERIFIED_ROUNDED})


@dataclass(slots=True)
class Tally:
    """What was tried and caught, by class; times are of single answers, in milliseconds."""

    tried: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    missed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    answers: int = 0
    alarms: list[str] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        """All mutants."""
        return sum(self.tried.values())

    @property
    def recall(self) -> Mapping[str, float]:
        """Share caught, by class."""
        return {n: 1 - len(self.missed[n]) / count for n, count in sorted(self.tried.items())}

    @property
    def p95_ms(self) -> float:
        """Time that 95 % of the answers stay under."""
        return sorted(self.times_ms)[int(0.95 * (len(self.times_ms) - 1))]

    def add(self, name: str, *, verdict: Verdict, detail: str) -> None:
        """Count one mutant."""
        self.tried[name] += 1
        if verdict in PASSED:
            self.missed[name].append(detail)


def run_text(bench: Bench, answer: Answer, rng: Random, tally: Tally) -> None:
    """Correct text and its mutants, as from any model."""
    tally.answers += 1
    check = bench.checker(answer.calls)
    if check(answer.text).verdict not in PASSED:
        tally.alarms.append(answer.text)
    mutants = [*number_mutants(answer, rng), *word_mutants(answer, rng)]
    for name, text in mutants:
        started = time.perf_counter()
        verdict = check(text).verdict
        tally.times_ms.append((time.perf_counter() - started) * 1e3)
        tally.add(f"text {name}", verdict=verdict, detail=text)


def run_bound(bench: Bench, answer: Answer, rng: Random, tally: Tally) -> None:
    """Correct template and its mutants, and calls that differ from the question."""
    tally.answers += 1
    question = answer.request.question
    if bench.check_bound(answer.template, answer.calls, question).verdict not in PASSED:
        tally.alarms.append(f"{question} -> {answer.template}")
    for name, template in bound_mutants(answer, rng):
        started = time.perf_counter()
        verdict = bench.check_bound(template, answer.calls, question).verdict
        tally.times_ms.append((time.perf_counter() - started) * 1e3)
        tally.add(f"bound {name}", verdict=verdict, detail=f"{question} -> {template}")
    for name, number, arguments in argument_mutants(answer, rng):
        tool = answer.request.tools[number][0]
        calls = list(answer.calls)
        calls[number] = bench.call(number + 1, tool, arguments, question)
        verdict = bench.check_bound(answer.template, tuple(calls), question).verdict
        detail = f"{question} -> {tool} {arguments}"
        tally.add(f"argument {name}", verdict=verdict, detail=detail)


def run(bench: Bench, *, answers: int, seed: int) -> Tally:
    """The whole suite over some distinct answers."""
    rng = Random(seed)
    tally = Tally()
    for answer in bench.answers(answers, seed):
        run_text(bench, answer, rng, tally)
        run_bound(bench, answer, rng, tally)
    return tally
