"""Starting a run from a released checkpoint instead of from random weights.

A release holds expert weights in MXFP4 and everything else in bfloat16. Both become the float32
master weights of the new run; moments of the optimiser and the warm-up start afresh. Exporting the
network again without a step in between gives back the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import torch

from engine.checkpoint import Checkpoint
from engine.training.model import Network
from engine.training.quantise import unpack_mxfp4

_BLOCKS, _SCALES = "_blocks", "_scales"


def load_release(folder: Path, network: Network) -> str:
    """Puts a release into a network.

    Args:
        folder: Checkpoint in the Hugging Face layout, as `write_release` leaves it.
        network: Of the release's shape; may be on any device.

    Returns:
        Hex digest of the release's weights.

    Raises:
        EngineError: The folder is no such checkpoint, or differs from its own record.
        ValueError: The checkpoint is of another shape.
    """
    checkpoint = Checkpoint.open(folder)
    digest = checkpoint.weights_digest()
    checkpoint.verify_digest(digest)
    stored = dict(checkpoint.stored_tensors())
    for name, parameter in network.named_parameters():
        weight = _weight(stored, name)
        if weight is None or weight.shape != parameter.shape:
            found = "nothing" if weight is None else list(weight.shape)
            raise ValueError(f"{folder}: {name}: expected {list(parameter.shape)}, got {found}")
        with torch.no_grad():
            parameter.copy_(weight)
    return digest


def _weight(stored: dict[str, torch.Tensor], name: str) -> torch.Tensor | None:
    """A stored weight as float32, or None."""
    if name + _BLOCKS in stored and name + _SCALES in stored:
        return unpack_mxfp4(stored[name + _BLOCKS], stored[name + _SCALES])
    weight = stored.get(name)
    return None if weight is None else weight.float()
