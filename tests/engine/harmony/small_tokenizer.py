"""A small byte-level BPE like that of the embedded model, trained on a few sentences."""

from functools import cache

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from engine.tokenizer import Tokenizer

SPECIALS = (
    "<|startoftext|>",
    "<|endoftext|>",
    "<|return|>",
    "<|constrain|>",
    "<|channel|>",
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|call|>",
)
# Structural strings first, then letter runs, and every other character alone.
_PATTERN = r'\{"|":"|","|"\}|\[\[|\]\]|: string,\n|\?: string,\n|[\p{L}\p{M}_]+|[\s\S]'
_SENTENCES = (
    "What is the value at risk of the sample book over ten days?",
    "assistant commentary to=functions.value_at_risk json analysis final user system developer",
    '{"portfolio":"sample book","confidence":"99%","horizon":"10-day","as_of":"2022-06-30"}',
    "The value at risk of [[c1.subject]] is [[c1.var|USD|0]].",
    "None of my tools can answer this. Which book or position do you mean?",
)


@cache
def small_tokenizer_json(vocab_size: int = 512) -> str:
    """Return the tokenizer.json text of a vocabulary of at most `vocab_size` entries."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken(name, special=True, normalized=False) for name in SPECIALS],
    )
    backend.train_from_iterator(_SENTENCES * 2, trainer)
    return backend.to_str()


@cache
def small_tokenizer() -> Tokenizer:
    """Return the wrapper around it."""
    return Tokenizer(small_tokenizer_json().encode())
