r"""Reading of checkpoint folders in OpenAI's and Hugging Face's layout.

Presents both under one set of names, those of OpenAI's `original/` folder, after checking the name,
shape and dtype of every tensor against the configuration. Tensors are read one at a time from
memory-mapped safetensors shards; nothing here keeps one. Knows nothing of how they are used.

The weights digest is SHA-256 over the line ``finsvc-weights-v1\n`` and then, for each stored
tensor in the order of its name's UTF-8 bytes, the line ``name\0dtype\0dim,dim,…\n`` (safetensors
dtype names) and the tensor's little-endian bytes. How tensors are spread over files is not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from engine.config import Layout, ModelConfig, read_config
from engine.errors import (
    CheckpointDigestError,
    CheckpointFormatError,
    CheckpointMissingError,
    CheckpointTensorError,
)
from engine.tensor_names import TensorSpec, expected_tensors, stored_names
from kernels.reference.mxfp4 import overflowing_blocks

INDEX_FILE = "model.safetensors.index.json"
RECORD_FILE = "training.json"
DIGEST_KEY = "weights_digest"
DIGEST_DOMAIN = b"finsvc-weights-v1\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened checkpoint whose tensors have the right names, shapes and dtypes.

    Attributes:
        folder: Where it lies.
        config: The network.
        layout: Whose names the stored tensors have.
    """

    folder: Path
    config: ModelConfig
    layout: Layout
    _files: dict[str, Path] = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> Checkpoint:
        """Open a folder and check everything that the headers tell.

        Raises:
            CheckpointError: A subclass says what is missing or wrong, and names it.
        """
        config, layout = read_config(folder)
        found = _read_headers(folder)
        wanted = expected_tensors(config, layout)
        for name, spec in wanted.items():
            if name not in found:
                raise CheckpointMissingError(str(folder), f"tensor {name}")
            path, actual = found[name]
            if actual != spec:
                raise CheckpointTensorError(
                    str(path), name, expected=spec.describe(), actual=actual.describe()
                )
        for name in found:
            if name not in wanted:
                raise CheckpointTensorError(
                    str(found[name][0]),
                    name,
                    expected="only tensors of the network that config.json describes",
                    actual="a tensor that is not among them",
                )
        return cls(folder, config, layout, {name: path for name, (path, _) in found.items()})

    def tensor(self, name: str, device: str = "cpu") -> torch.Tensor:
        """Return one tensor by its OpenAI name, joined where the layout stores it in parts.

        Each part goes to `device` as it is stored and is checked there.

        Raises:
            CheckpointTensorError: It holds NaN or infinity.
        """
        parts = []
        for stored in stored_names(name, self.layout):
            part = self._stored(stored).to(device)
            if part.is_floating_point() and not bool(part.isfinite().all()):
                raise CheckpointTensorError(
                    str(self._files[stored]),
                    stored,
                    expected="finite numbers",
                    actual="NaN or infinity",
                )
            parts.append(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def mxfp4(
        self, name: str, device: str = "cpu", experts: slice | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return blocks [E, N, S, 16] and scales [E, N, S] of an expert weight, both uint8.

        Args:
            name: OpenAI name without its ending.
            device: Where to.
            experts: Which of them; all by default.

        Raises:
            CheckpointTensorError: A scale byte is 255 or a value overflows bfloat16.
        """
        chosen = experts or slice(None)
        blocks = self._mapped(f"{name}.blocks")[chosen].to(device)
        scales = self._mapped(f"{name}.scales")[chosen].to(device)
        # Only scale bytes of 253 and more can be wrong, and whole tensors without one are usual.
        if int(scales.max()) >= 253:
            self._refuse_overflow(name, blocks, scales, first_expert=chosen.start or 0)
        return blocks, scales

    def stored_tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield every stored name and tensor, in the order of the names' UTF-8 bytes."""
        for name in sorted(self._files, key=str.encode):
            yield name, self._stored(name)

    def weights_digest(self) -> str:
        """Return the hex digest that the module describes; reads every byte once."""
        state = hashlib.sha256(DIGEST_DOMAIN)
        specs = expected_tensors(self.config, self.layout)
        for name, tensor in self.stored_tensors():
            spec = specs[name]
            shape = ",".join(str(size) for size in spec.shape)
            state.update(f"{name}\0{spec.dtype}\0{shape}\n".encode())
            state.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
        return state.hexdigest()

    def verify_digest(self, actual: str) -> None:
        """Compare a weights digest with the one in the folder's training record, if it has one.

        Raises:
            CheckpointFormatError: The record cannot be read.
            CheckpointDigestError: They differ.
        """
        path = self.folder / RECORD_FILE
        if not path.exists():
            return
        try:
            record = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CheckpointFormatError(str(path), f"expected JSON, got {error}") from error
        promised = record.get(DIGEST_KEY) if isinstance(record, dict) else None
        if promised is not None and promised != actual:
            raise CheckpointDigestError(str(self.folder), expected=str(promised), actual=actual)

    def _mapped(self, name: str) -> torch.Tensor:
        (stored,) = stored_names(name, self.layout)
        return self._stored(stored)

    def _stored(self, name: str) -> torch.Tensor:
        path = self._files[name]
        try:
            with safe_open(path, framework="pt") as file:
                tensor: torch.Tensor = file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise CheckpointFormatError(str(path), f"tensor {name}: {error}") from error
        return tensor

    def _refuse_overflow(
        self, name: str, blocks: torch.Tensor, scales: torch.Tensor, *, first_expert: int
    ) -> None:
        bad = overflowing_blocks(blocks, scales)
        if not bool(bad.any()):
            return
        place = [int(i) for i in bad.nonzero()[0]]
        byte = int(scales[tuple(place)])
        place[0] += first_expert
        (stored,) = stored_names(f"{name}.scales", self.layout)
        raise CheckpointTensorError(
            str(self._files[stored]),
            stored,
            expected="scale bytes whose values fit bfloat16",
            actual=f"scale byte {byte} at {place}",
        )


def weights_digest(folder: Path) -> str:
    """Return the weights digest of a checkpoint folder, for whoever writes its training record."""
    return Checkpoint.open(folder).weights_digest()


def _read_headers(folder: Path) -> dict[str, tuple[Path, TensorSpec]]:
    found: dict[str, tuple[Path, TensorSpec]] = {}
    for path in _shards(folder):
        for name, spec in _read_header(path):
            if name in found:
                first = found[name][0].name
                raise CheckpointFormatError(str(path), f"tensor {name} is also in {first}")
            found[name] = (path, spec)
    return found


def _read_header(path: Path) -> Iterator[tuple[str, TensorSpec]]:
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  # not a mapping: it cannot be iterated
                view = file.get_slice(name)
                yield name, TensorSpec(view.get_dtype(), tuple(view.get_shape()))
    except FileNotFoundError as error:
        raise CheckpointMissingError(str(path.parent), path.name) from error
    except (SafetensorError, OSError) as error:
        detail = f"expected a whole safetensors file, got {error}"
        raise CheckpointFormatError(str(path), detail) from error


def _shards(folder: Path) -> list[Path]:
    index = folder / INDEX_FILE
    if not index.exists():
        shards = sorted(folder.glob("*.safetensors"))
        if not shards:
            raise CheckpointMissingError(str(folder), "a file *.safetensors")
        return shards
    try:
        document = json.loads(index.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointFormatError(str(index), f"expected JSON, got {error}") from error
    names = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(names, dict) or not names:
        raise CheckpointFormatError(str(index), "expected a key weight_map with file names")
    files = sorted({str(name) for name in names.values()})
    for name in files:
        if Path(name).name != name:
            raise CheckpointFormatError(str(index), f"expected plain file names, got {name!r}")
    return [folder / name for name in files]
