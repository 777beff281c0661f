"""Builds the embedded model's tokenizer: byte-level BPE with identity copying.

Beside `engine/tokenizer.py`, the only module that imports `tokenizers`.

The pre-tokenizer isolates runs of letters, a few fixed strings of the harmony format, and every
other character, spaces and digits included. A word therefore has the same pieces wherever it stands
(in a question after a space, in a JSON argument after a quote, at the start of a text), and copying
an argument means repeating ids. Merges are learned from damped word counts, so that rare words and
names shape the vocabulary as well as the generator's templates do. The result depends on two inputs
only: the table `words.tsv` and the generator's first rows. The generator itself makes names from
the pieces of a shipped vocabulary, so a new one is learned with none shipped.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from engine.harmony.messages import Conversation, DeveloperPrompt, SystemPrompt
from engine.harmony.render import render_text
from engine.tokenizer import TOKENIZER_FILE
from engine.training.dialogues import row
from engine.training.rows import IDENTITY, messages
from engine.training.tokens import SPECIAL_TOKENS

VOCAB_SIZE = 4096
# Fixed strings of tool declarations, calls, results and references, each one token. None of them
# can stand inside a word or a value, which keeps copying an identity.
STRUCTURE = (
    '{"',
    '":"',
    '","',
    '"}',
    "[[",
    "]]",
    "\n\n",
    "// ",
    "\ntype ",
    " = (_: {\n",
    ": string,\n",
    "?: string,\n",
    "}) => any;\n\n",
    " to=functions.",
    " to=assistant",
    "functions.",
)
_LETTERS = r"[\p{L}\p{M}_]+"
_ANY = r"[\s\S]"
# Letter runs as Python's own expressions write them; marks are rare enough to be left to bytes.
_WORD = re.compile(r"[^\W\d]+")
_WORDS_FILE = Path(__file__).with_name("words.tsv")
_SHIPPED_FILE = Path(__file__).parents[1] / "embedded" / TOKENIZER_FILE
_CORPUS_ROWS = 400
_CORPUS_SEED = 7
# Counts enter with this power: a word 1,000 times as frequent weighs 63 times as much.
_DAMPING = 0.6
_STRUCTURE_COUNT = 100_000


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    fixed = "|".join(re.escape(text) for text in sorted(STRUCTURE, key=len, reverse=True))
    pattern = Regex(f"{fixed}|{_LETTERS}|{_ANY}")
    split = pre_tokenizers.Split(pattern, behavior="isolated")
    return pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def _generator_counts(num_rows: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for idx in range(num_rows):
        source = row(_CORPUS_SEED, idx)
        developer = DeveloperPrompt(instructions=source.instructions, tools=source.tools)
        system = SystemPrompt(identity=IDENTITY)
        texts = [render_text(Conversation(system=system, developer=developer))]
        texts += [message.content for d in source.dialogues for message in messages(d)]
        counts.update(chain.from_iterable(_WORD.findall(text) for text in texts))
    return counts


def _table_counts(path: Path) -> Counter[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return Counter({word: int(count) for word, count in (line.split("\t") for line in lines)})


def _corpus(*counts: Counter[str]) -> Iterator[str]:
    """Texts in which each word occurs as often as it weighs."""
    weights: Counter[str] = Counter()
    for table in counts:
        for word, count in table.items():
            weights[word] += round(count**_DAMPING)
    for word, weight in sorted(weights.items()):
        yield " ".join([word] * weight)
    for text in STRUCTURE:
        # A separator that is no part of any fixed string keeps repetitions apart.
        yield "0".join([text] * _STRUCTURE_COUNT)


def build_tokenizer(words: Path, *, num_rows: int) -> Backend:
    """Learns the vocabulary.

    Args:
        words: Table of general words, one `word<TAB>count` a line.
        num_rows: Generator rows to count words in.
    """
    backend = Backend(models.BPE())
    backend.pre_tokenizer = _pre_tokenizer()
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        show_progress=False,
        special_tokens=[AddedToken(text, special=True) for text in SPECIAL_TOKENS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    corpus = _corpus(_table_counts(words), _generator_counts(num_rows))
    backend.train_from_iterator(corpus, trainer)
    return backend


def main() -> None:
    """Writes `tokenizer.json` into a folder; a shipped one is removed first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_SHIPPED_FILE.parent)
    parser.add_argument("--words", type=Path, default=_WORDS_FILE)
    parser.add_argument("--rows", type=int, default=_CORPUS_ROWS)
    options = parser.parse_args()
    _SHIPPED_FILE.unlink(missing_ok=True)
    backend = build_tokenizer(options.words, num_rows=options.rows)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / TOKENIZER_FILE).write_text(backend.to_str(pretty=True), encoding="utf-8")


if __name__ == "__main__":
    main()
