"""Decoding turn by turn, with a stand-in engine that says what it is told under the real masks."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.harmony.messages import ToolSpec
from engine.tokenizer import Tokenizer
from engine.training.decoding import Call, Decoder
from engine.training.dialogues import Agent, canonical_row
from engine.training.dialogues.types import Row
from engine.training.evaluate import evaluate_questions, judge_instance, judge_question
from engine.training.handwritten import ExpectedCall, Outcome, Question
from engine.training.packing import ROLE_ASSISTANT
from engine.training.rows import pack
from engine.types import FinishReason, Generation, GenerationRequest, TokenMask


@dataclass
class Script:
    """Says prepared turns, one a generation, and fails where the mask forbids a token."""

    tokenizer: Tokenizer
    turns: list[list[int]]
    prompts: list[tuple[int, ...]] = field(default_factory=list)
    info: object = field(
        default_factory=lambda: SimpleNamespace(config=SimpleNamespace(vocab_size=4096))
    )

    def generate(self, request: GenerationRequest, *, mask: TokenMask | None) -> Generation:
        self.prompts.append(request.prompt_ids)
        ids = self.turns.pop(0)
        for token_id in ids:
            if mask is not None:
                words = mask.bitmask()
                assert words is not None
                is_allowed = int(words[token_id // 32]) >> (token_id % 32) & 1
                assert is_allowed, (self.tokenizer.decode(ids), self.tokenizer.decode([token_id]))
                mask.accept(token_id)
        assert ids[-1] in request.stop_ids
        return Generation(
            token_ids=tuple(ids),
            finish_reason=FinishReason.STOP,
            logit_digest="",
            prompt_tokens=len(request.prompt_ids),
            cached_tokens=0,
            logprobs=(),
        )


def _turns(tokenizer: Tokenizer, source: Row, idx: int) -> list[list[int]]:
    """The assistant's turns of a dialogue as training packs them."""
    one = Row(
        tools=source.tools, instructions=source.instructions, dialogues=(source.dialogues[idx],)
    )
    positions = pack(tokenizer, one, num_positions=4096).positions
    turns: list[list[int]] = []
    is_inside = False
    for token, role in zip(positions["token"].tolist(), positions["role"].tolist(), strict=True):
        if role == ROLE_ASSISTANT:
            if not is_inside:
                turns.append([])
            turns[-1].append(token)
        is_inside = role == ROLE_ASSISTANT
    return turns


@pytest.mark.parametrize("use_grammar", [True, False])
def test_what_is_trained_is_allowed_and_judged_exact(
    tokenizer: Tokenizer, use_grammar: bool
) -> None:
    num_calls = 0
    for agent in (Agent.AUTO, Agent.COMPLIANCE):
        source = canonical_row(21, 0, agent)
        for idx, dialogue in enumerate(source.dialogues[:10]):
            script = Script(tokenizer, _turns(tokenizer, source, idx))
            decoder = Decoder(script, use_grammar=use_grammar)  # type: ignore[arg-type]
            judged = judge_instance(decoder, source, dialogue)
            assert judged.miss is None
            assert not script.turns
            assert len(script.prompts) == len(dialogue.steps) + 1
            assert judged.groups[0] == f"kind {dialogue.kind.value}"
            num_calls += len(dialogue.steps)
    assert num_calls > 10


def _said(tokenizer: Tokenizer, text: str, stop: str) -> list[int]:
    """A turn from text in which special tokens are written out."""
    ids: list[int] = []
    for part in text.replace("<|", "\x00<|").replace("|>", "|>\x00").split("\x00"):
        is_special = part.startswith("<|")
        ids += [tokenizer.special_id(part)] if is_special else tokenizer.encode(part)
    return [*ids, tokenizer.special_id(stop)]


VAR_CALL = (
    "<|channel|>commentary to=functions.value_at_risk <|constrain|>json<|message|>"
    '{"portfolio":"sample book","confidence":"99%"}'
)
QUESTION = Question(
    text="What is the 99% VaR of the sample book?",
    agent=Agent.RISK,
    book=None,
    as_of=None,
    calls=(
        ExpectedCall(
            name="value_at_risk",
            arguments={"portfolio": ("Sample book.",), "confidence": ("99%",)},
        ),
    ),
    outcome=Outcome.ANSWER,
)


def _judge(tokenizer: Tokenizer, question: Question, *turns: tuple[str, str]) -> str:
    """What was first wrong, or nothing."""
    said = [_said(tokenizer, text, stop) for text, stop in turns]
    decoder = Decoder(Script(tokenizer, said), use_grammar=False)  # type: ignore[arg-type]
    miss = judge_question(decoder, question).miss
    return "" if miss is None else miss.at


def test_question_with_right_call_but_other_words_counts_as_wrong_answer(
    tokenizer: Tokenizer,
) -> None:
    call = (VAR_CALL, "<|call|>")
    other = ("<|channel|>final<|message|>It is [[c1.var|USD|0]].", "<|return|>")
    assert _judge(tokenizer, QUESTION, call, other) == "answer"


def test_question_answered_without_its_call_is_wrong(tokenizer: Tokenizer) -> None:
    asked = ("<|channel|>final<|message|>Which book or position do you mean?", "<|return|>")
    assert _judge(tokenizer, QUESTION, asked) == "calls"


def test_question_to_ask_back_about_is_right_only_when_asked_back(tokenizer: Tokenizer) -> None:
    question = Question(
        text="What is the VaR?",
        agent=Agent.RISK,
        book=None,
        as_of="2022-06-30",
        calls=(),
        outcome=Outcome.ASK,
    )
    asked = ("<|channel|>final<|message|>Which book or position do you mean?", "<|return|>")
    declined = ("<|channel|>final<|message|>None of my tools can answer this.", "<|return|>")
    assert question.message.endswith("\nAs of: 2022-06-30")
    assert _judge(tokenizer, question, asked) == ""
    assert _judge(tokenizer, question, declined) == "outcome"


def test_dialogue_that_never_stops_calling_is_cut_off(tokenizer: Tokenizer) -> None:
    script = Script(tokenizer, [_said(tokenizer, VAR_CALL, "<|call|>") for _ in range(9)])
    decoder = Decoder(script, use_grammar=False)  # type: ignore[arg-type]
    found = decoder.decode(
        "VaR of sample book, 99%",
        (ToolSpec(name="value_at_risk", description="x", parameters=None),),
        instructions="x",
        respond=lambda calls: f'{{"[[c{len(calls)}.var]]":"1"}}',
    )
    assert found.final is None
    assert found.calls[0] == Call(
        name="value_at_risk", arguments=(("portfolio", "sample book"), ("confidence", "99%"))
    )
    assert len(found.calls) == 8


def test_call_without_a_json_object_ends_the_dialogue(tokenizer: Tokenizer) -> None:
    for arguments in ("[1]", "{", '"text"'):
        text = f"<|channel|>commentary to=functions.x <|constrain|>json<|message|>{arguments}"
        script = Script(tokenizer, [_said(tokenizer, text, "<|call|>")])
        decoder = Decoder(script, use_grammar=False)  # type: ignore[arg-type]
        tool = ToolSpec(name="x", description="x", parameters=None)
        found = decoder.decode("x", (tool,), instructions="x", respond=lambda _: None)
        assert (found.calls, found.final) == ((), None)


def test_misses_of_sealed_questions_are_counted_and_not_told(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    line = '{"question": "What is the VaR?", "agent": "risk", "outcome": "ask"}'
    declined = "<|channel|>final<|message|>None of my tools can answer this."
    for name, num_misses in (("sealed", 0), ("dev", 1)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(line, encoding="utf-8")
        script = Script(tokenizer, [_said(tokenizer, declined, "<|return|>")])
        decoder = Decoder(script, use_grammar=True)  # type: ignore[arg-type]
        found = evaluate_questions(decoder, path, limit=5)
        assert found["all"] == {"n": 1, "exact_pct": 0.0}
        assert len(found["misses"]) == num_misses  # type: ignore[arg-type]
