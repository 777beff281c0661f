"""The o200k_harmony vocabulary and OpenAI's own renderer, without OpenAI's storage.

The ranks come from a wheel of the package index, are checked by SHA-256 and kept in a cache folder
(`FINSVC_ORACLE_CACHE`, by default in the temporary folder). Tests that use this are slow ones.
"""

import base64
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest
from openai_harmony import HarmonyEncoding, HarmonyEncodingName, load_harmony_encoding
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Backend

from engine.tokenizer import TOKENIZER_FILE, Tokenizer

_WHEEL = "quicktok-v1==0.4.0"
_RANKS_FILE = "o200k_base.tiktoken"
_RANKS_DIGEST = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_NUM_IDS = 201_088
_FIRST_SPECIAL_ID = 199_998
_SPECIALS = {
    199998: "<|startoftext|>",
    199999: "<|endoftext|>",
    200002: "<|return|>",
    200003: "<|constrain|>",
    200005: "<|channel|>",
    200006: "<|start|>",
    200007: "<|end|>",
    200008: "<|message|>",
    200012: "<|call|>",
    200018: "<|endofprompt|>",
}
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_SUFFIX}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_SUFFIX}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


@cache
def oracle() -> HarmonyEncoding:
    """Return OpenAI's renderer with its vocabulary loaded from the cache folder."""
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = str(_ranks_file().parent)
    return load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)


@cache
def o200k_tokenizer() -> Tokenizer:
    """Return the vocabulary of gpt-oss as a tokenizer.json with the same ids."""
    folder = _ranks_file().parent
    if not (folder / TOKENIZER_FILE).exists():
        part = folder / f"{TOKENIZER_FILE}.{os.getpid()}"
        _backend(_ranks_file()).save(str(part), pretty=False)
        part.replace(folder / TOKENIZER_FILE)
    return Tokenizer.from_folder(folder)


def _ranks_file() -> Path:
    default = Path(tempfile.gettempdir()) / "finsvc-oracles"
    folder = Path(os.environ.get("FINSVC_ORACLE_CACHE", default)) / "o200k"
    file = folder / _RANKS_FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        data = _ranks_from_wheel(folder)
        assert hashlib.sha256(data).hexdigest() == _RANKS_DIGEST
        part = folder / f"{_RANKS_FILE}.{os.getpid()}"
        part.write_bytes(data)
        part.replace(file)
    return file


def _ranks_from_wheel(folder: Path) -> bytes:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder)]
    # A fixed command without outside input.
    done = subprocess.run(  # noqa: S603
        [*command, _WHEEL], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("quicktok_v1-*.whl"))
    if done.returncode != 0 or not wheels:
        message = f"{_WHEEL} cannot be downloaded: {done.stderr[-300:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with zipfile.ZipFile(wheels[0]) as wheel:
        data = wheel.read("quicktok/data/o200k.vocab")
    tokens: list[tuple[int, bytes]] = []
    offset = 4
    while offset < len(data):
        (length,) = struct.unpack_from("<H", data, offset)
        token = data[offset + 2 : offset + 2 + length]
        (rank,) = struct.unpack_from("<I", data, offset + 2 + length)
        tokens.append((rank, token))
        offset += length + 6
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in sorted(tokens))


def _backend(file: Path) -> Backend:
    lines = (line.split() for line in file.read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    letters = _byte_letters()

    def spelled(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    merges: list[tuple[str, str]] = []
    for token in sorted(ranks, key=ranks.__getitem__):
        cuts = ((token[:i], token[i:]) for i in range(1, len(token)))
        pairs = sorted((ranks[a], ranks[b], a, b) for a, b in cuts if a in ranks and b in ranks)
        merges += [(spelled(a), spelled(b)) for _, _, a, b in pairs]
    vocabulary = {spelled(token): rank for token, rank in ranks.items()}
    backend = Backend(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    names = [_SPECIALS.get(i, f"<|reserved_{i}|>") for i in range(_FIRST_SPECIAL_ID, _NUM_IDS)]
    backend.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in names])
    return backend


def _byte_letters() -> list[str]:
    """Return the letter of each byte in the byte-level alphabet."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = iter(range(256, 512))
    return [chr(byte) if byte in set(plain) else chr(next(rest)) for byte in range(256)]
