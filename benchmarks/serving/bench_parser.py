"""Reading of generated turns; bar: 200,000 tokens a second, one token at a time.

Run: `python -m benchmarks.run benchmarks/serving/bench_parser.py`.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from engine.harmony.stream import TurnStream
from tests.engine.harmony.small_tokenizer import small_tokenizer
from tests.engine.harmony.streams import stream

_SENTENCE = "The value at risk of the sample book, caf\u00e9 <5 %>, is [[c1.var|USD|0]]. "
TURN = (
    f"<|channel|>analysis<|message|>{_SENTENCE * 40}<|end|><|start|>assistant"
    f"<|channel|>final<|message|>{_SENTENCE * 40}<|return|>"
)
CALL = (
    "<|channel|>commentary to=functions.price <|constrain|>json<|message|>"
    f'{{"note":"{"sample book " * 300}"}}<|call|>'
)


@pytest.mark.parametrize("piece", [1, 16])
@pytest.mark.parametrize("text", [TURN, CALL], ids=["texts", "call"])
def test_read_turn(benchmark: BenchmarkFixture, text: str, piece: int) -> None:
    """A turn of about 2,500 tokens, in pieces of this many tokens."""
    tokenizer = small_tokenizer()
    token_ids = stream(text, tokenizer)
    pieces = [token_ids[at : at + piece] for at in range(0, len(token_ids), piece)]

    def read() -> TurnStream:
        reader = TurnStream(tokenizer, ("price",))
        for ids in pieces:
            reader.take(ids)
        reader.end()
        return reader

    read()
    turn = benchmark.pedantic(read, rounds=40).turn
    assert not turn.repairs
    assert turn.final or turn.calls
    median_s = benchmark.stats.stats.median
    benchmark.extra_info.update(tokens=len(token_ids), tokens_per_s=len(token_ids) / median_s)
