"""The engine in its own process: the same answers, and what happens when it dies."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.engine import Engine
from engine.errors import (
    ContextLengthError,
    DeadlineError,
    EngineStoppedError,
    RequestError,
    TokenMaskError,
)
from engine.grammar import GrammarError
from engine.job import Terms
from engine.serving.client import RemoteEngine
from engine.serving.supervisor import EngineProcess
from engine.types import FinishReason, GenerationRequest, Sampling

ENDLESS = 100_000


def request(prompt: tuple[int, ...] = (40, 41, 42), **changes: object) -> GenerationRequest:
    values = {"prompt_ids": prompt, "max_new_tokens": 6, "stop_ids": frozenset()} | changes
    return GenerationRequest(**values)  # type: ignore[arg-type]


def wait_until(is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill(process: EngineProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)


def test_generation_is_that_of_an_engine_in_this_process(
    remote: RemoteEngine, small_folder: Path
) -> None:
    local = Engine.load(small_folder, num_threads=1)
    assert remote.fingerprint.digest == local.fingerprint.digest
    assert remote.fingerprint.to_json() == local.fingerprint.to_json()
    assert remote.info.vocab_size == local.info.vocab_size
    assert remote.info.context_length == local.info.context_length
    seen: list[int] = []
    given = request(sampling=Sampling(temperature=1.1, top_p=0.9, seed=5), top_logprobs=3)
    found = remote.generate(given, on_token=seen.append)
    assert found == local.generate(given)
    assert tuple(seen) == found.token_ids


def test_grammar_limits_tokens_in_the_other_process(
    remote: RemoteEngine, small_folder: Path
) -> None:
    local = Engine.load(small_folder, num_threads=1)
    given = request(
        max_new_tokens=12, stop_ids=frozenset({remote.tokenizer.special_id("<|call|>")})
    )
    grammar = 'start: "ab" /[0-9]{3}/ <|call|>\n'
    found = remote.generate(given, grammar=grammar)
    assert found == local.generate(given, grammar=grammar)
    assert found.finish_reason is FinishReason.STOP
    text = remote.tokenizer.decode(found.token_ids)
    assert text[:2] == "ab"
    assert text[2:5].isdigit()


@pytest.mark.parametrize(
    ("given", "grammar", "error"),
    [
        (request(()), "", RequestError),
        (request((1,) * 131_070), "", ContextLengthError),
        (request(), "start: nonsense", GrammarError),
        (request(max_new_tokens=9), 'start: "a"\n', TokenMaskError),
    ],
)
def test_error_of_a_request_comes_back_as_itself_and_the_engine_goes_on(
    remote: RemoteEngine,
    small_folder: Path,
    given: GenerationRequest,
    grammar: str,
    error: type[Exception],
) -> None:
    local = Engine.load(small_folder, num_threads=1)
    with pytest.raises(error) as far:
        remote.generate(given, grammar=grammar)
    with pytest.raises(error) as near:
        local.generate(given, grammar=grammar)
    assert str(far.value) == str(near.value)
    assert remote.generate(request()).finish_reason is FinishReason.LENGTH


def test_deadline_ends_a_request(remote: RemoteEngine) -> None:
    with pytest.raises(DeadlineError):
        remote.generate(request(max_new_tokens=ENDLESS), terms=Terms(timeout_s=0.1))


def test_cancelled_request_ends_with_what_was_taken_and_leaves_the_engine(
    remote: RemoteEngine,
) -> None:
    seen: list[int] = []
    found = remote.generate(
        request(max_new_tokens=ENDLESS), on_token=seen.append, is_cancelled=lambda: len(seen) == 3
    )
    assert found.finish_reason is FinishReason.CANCELLED
    assert found.token_ids == tuple(seen) == remote.generate(request()).token_ids[:3]
    assert remote.generate(request(), is_cancelled=lambda: True).token_ids == ()
    wait_until(lambda: remote.stats()["num_running"] == 0)


def test_callers_in_several_threads_and_connections_share_the_engine(
    remote: RemoteEngine, process: EngineProcess, small_folder: Path
) -> None:
    other = RemoteEngine.connect(process.address, small_folder)
    prompts = [(40 + i, 41, 42) for i in range(12)]
    expected = [remote.generate(request(prompt)).logit_digest for prompt in prompts]
    found = [""] * len(prompts)

    def work(i: int) -> None:
        client = (remote, other)[i % 2]
        found[i] = client.generate(request(prompts[i])).logit_digest

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert found == expected


def test_caller_that_vanishes_takes_its_requests_along(
    remote: RemoteEngine, process: EngineProcess, small_folder: Path
) -> None:
    other = RemoteEngine.connect(process.address, small_folder)
    failures: list[Exception] = []

    def work() -> None:
        try:
            other.generate(request(max_new_tokens=ENDLESS))
        except EngineStoppedError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: remote.stats()["num_running"] == 1)
    other.close()
    thread.join()
    assert len(failures) == 1
    wait_until(lambda: remote.stats()["num_running"] == 0)


def test_killed_engine_fails_its_requests_and_comes_back_with_the_same_answers(
    remote: RemoteEngine, process: EngineProcess
) -> None:
    expected = remote.generate(request())
    first = process.pid
    with pytest.raises(EngineStoppedError):
        remote.generate(request(max_new_tokens=ENDLESS), on_token=lambda _: kill(process))
    assert not remote.is_ready
    with pytest.raises(EngineStoppedError):
        remote.generate(request())
    wait_until(lambda: remote.is_ready)
    assert process.pid != first
    assert process.num_restarts == 1
    assert remote.generate(request()) == expected


def test_engine_that_drains_finishes_what_runs(
    remote: RemoteEngine, process: EngineProcess
) -> None:
    tokens: list[int] = []
    closers: list[threading.Thread] = []

    def on_token(token_id: int) -> None:
        tokens.append(token_id)
        if len(tokens) == 3:
            closers.append(threading.Thread(target=process.close))
            closers[0].start()

    found = remote.generate(request(max_new_tokens=300), on_token=on_token)
    closers[0].join()
    assert found.finish_reason is FinishReason.LENGTH
    assert len(found.token_ids) == 300
    with pytest.raises(EngineStoppedError):
        remote.generate(request())


def test_folder_that_is_no_model_says_so_at_the_start(tmp_path: Path) -> None:
    process = EngineProcess(tmp_path)
    with pytest.raises(EngineStoppedError, match=r"config\.json"):
        process.start()
    assert not Path(process.address).exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing without a GPU")
def test_device_that_is_not_there_says_so_at_the_start(small_folder: Path) -> None:
    process = EngineProcess(small_folder, device="cuda")
    with pytest.raises(EngineStoppedError, match="on the CPU"):
        process.start()


def test_engine_that_never_answers_is_given_up(tmp_path: Path, small_folder: Path) -> None:
    with pytest.raises(EngineStoppedError, match="did not answer"):
        RemoteEngine.connect(str(tmp_path / "none"), small_folder, connect_timeout_s=0.2)
