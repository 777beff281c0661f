"""A data worker: writes packed rows to standard output, one after another, until it is killed.

Run by `engine.training.batches` as `python -m engine.training.feed`; imports no torch, so that it
starts fast.
"""

from __future__ import annotations

import argparse
import sys
from itertools import count
from pathlib import Path

from engine.tokenizer import Tokenizer
from engine.training.rows import packed_row


def main() -> None:
    """Writes rows first, first + stride, … of a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--stride", type=int, required=True)
    parser.add_argument("--positions", type=int, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    options = parser.parse_args()
    tokenizer = Tokenizer.from_folder(options.tokenizer)
    out = sys.stdout.buffer
    for idx in count(options.first, options.stride):
        packed = packed_row(tokenizer, options.seed, idx, num_positions=options.positions)
        out.write(packed.positions.tobytes())
        out.flush()


if __name__ == "__main__":
    main()
