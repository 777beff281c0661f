"""Both layouts, the weights digest, and every kind of broken checkpoint."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.checkpoint import Checkpoint, weights_digest
from engine.config import Layout
from engine.cpu_products import RowProducts
from engine.cpu_runner import CpuRunner
from engine.errors import (
    CheckpointDigestError,
    CheckpointError,
    CheckpointFormatError,
    CheckpointMissingError,
    CheckpointTensorError,
)
from engine.model import load_weights
from tests.engine.factories import SMALL_SHAPE, random_checkpoint

SCALES = "model.layers.1.mlp.experts.down_proj_scales"
BLOCKS = "model.layers.1.mlp.experts.down_proj_blocks"
ROUTER = "model.layers.0.mlp.router.weight"

Tensors = dict[str, torch.Tensor]


@pytest.fixture
def folder(small_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small checkpoint to break."""
    copy = tmp_path / "copy"
    shutil.copytree(small_folder, copy)
    return copy


def rewrite(folder: Path, change: Callable[[Tensors], object]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_layouts_and_shards_of_one_network_give_identical_logits(tmp_path: Path) -> None:
    results = []
    for name, layout, num_shards in (
        ("openai", Layout.OPENAI, 1),
        ("huggingface", Layout.HUGGING_FACE, 1),
        ("sharded", Layout.HUGGING_FACE, 3),
        ("openai_sharded", Layout.OPENAI, 2),
    ):
        folder = random_checkpoint(
            tmp_path / name, SMALL_SHAPE, seed=8, layout=layout, num_shards=num_shards
        )
        checkpoint = Checkpoint.open(folder)
        assert checkpoint.layout is layout
        runner = CpuRunner(load_weights(checkpoint), RowProducts())
        logits = runner.prefill(runner.new_cache(), list(range(100)))
        assert logits is not None
        results.append((checkpoint.config, logits))
    for config, logits in results[1:]:
        assert config == results[0][0]
        assert torch.equal(logits, results[0][1])


def test_weights_digest_ignores_how_tensors_are_spread_over_files(tmp_path: Path) -> None:
    one = random_checkpoint(tmp_path / "one", SMALL_SHAPE, seed=8)
    three = random_checkpoint(tmp_path / "three", SMALL_SHAPE, seed=8, num_shards=3)
    other = random_checkpoint(tmp_path / "other", SMALL_SHAPE, seed=9)
    assert weights_digest(one) == weights_digest(three)
    assert weights_digest(one) != weights_digest(other)


def test_weights_digest_follows_its_description(small_folder: Path) -> None:
    state = hashlib.sha256(b"finsvc-weights-v1\n")
    dtypes = {torch.bfloat16: "BF16", torch.uint8: "U8"}
    for name, tensor in sorted(load_file(small_folder / "model.safetensors").items()):
        shape = ",".join(map(str, tensor.shape))
        state.update(f"{name}\x00{dtypes[tensor.dtype]}\x00{shape}\n".encode())
        state.update(bytes(tensor.contiguous().flatten().view(torch.uint8).tolist()))
    assert weights_digest(small_folder) == state.hexdigest()


def test_digest_in_training_record_is_compared(folder: Path) -> None:
    checkpoint = Checkpoint.open(folder)
    actual = checkpoint.weights_digest()
    checkpoint.verify_digest(actual)
    record = folder / "training.json"
    record.write_text(json.dumps({"weights_digest": actual}))
    checkpoint.verify_digest(actual)
    record.write_text(json.dumps({"weights_digest": "0" * 64}))
    with pytest.raises(CheckpointDigestError, match=f"expected {'0' * 64}, got {actual}"):
        checkpoint.verify_digest(actual)
    record.write_text("{")
    with pytest.raises(CheckpointFormatError, match=r"training\.json"):
        checkpoint.verify_digest(actual)


def test_missing_tensor_is_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.pop(ROUTER))
    with pytest.raises(CheckpointMissingError, match=ROUTER) as caught:
        Checkpoint.open(folder)
    assert caught.value.code == "checkpoint_missing"
    assert ROUTER in caught.value.name


def test_unknown_tensor_is_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.update({"extra.weight": torch.zeros(2)}))
    with pytest.raises(CheckpointTensorError, match=r"extra.weight"):
        Checkpoint.open(folder)


def test_wrong_shape_is_named_with_both_shapes(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.update({ROUTER: tensors[ROUTER][:, :-1].contiguous()}))
    with pytest.raises(CheckpointTensorError) as caught:
        Checkpoint.open(folder)
    assert caught.value.tensor == ROUTER
    assert caught.value.expected == "BF16 [8, 64]"
    assert caught.value.actual == "BF16 [8, 63]"


def test_wrong_dtype_is_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.update({ROUTER: tensors[ROUTER].float()}))
    with pytest.raises(CheckpointTensorError, match=r"expected BF16 \[8, 64\], got F32 \[8, 64\]"):
        Checkpoint.open(folder)


@pytest.mark.parametrize(
    ("scale", "code", "is_refused"),
    [
        (255, 0, True),
        (254, 4, True),
        (254, 3, False),
        (254, 0x30, False),
        (254, 0x40, True),
        (253, 6, True),
        (253, 0xE0, True),
        (253, 5, False),
        (252, 0x77, False),
    ],
)
def test_scale_bytes_that_overflow_bfloat16_are_refused_with_the_tensor(
    folder: Path, scale: int, code: int, is_refused: bool
) -> None:
    def change(tensors: Tensors) -> None:
        tensors[SCALES][2, 5, 1] = scale
        tensors[BLOCKS][2, 5, 1] = 0
        tensors[BLOCKS][2, 5, 1, 7] = code

    rewrite(folder, change)
    checkpoint = Checkpoint.open(folder)
    if not is_refused:
        load_weights(checkpoint)
        return
    with pytest.raises(
        CheckpointTensorError, match=rf"scale byte {scale} at \[2, 5, 1\]"
    ) as caught:
        load_weights(checkpoint)
    assert caught.value.tensor == SCALES


@pytest.mark.parametrize("bad", [float("nan"), float("-inf")])
def test_weight_that_is_not_a_finite_number_is_refused_with_the_tensor(
    folder: Path, bad: float
) -> None:
    rewrite(folder, lambda tensors: tensors[ROUTER].view(-1)[3:4].fill_(bad))
    with pytest.raises(CheckpointTensorError, match="expected finite numbers") as caught:
        load_weights(Checkpoint.open(folder))
    assert caught.value.tensor == ROUTER


@pytest.mark.parametrize("keep", [0, 4, 100, 20_000, -1])
def test_truncated_file_is_named(folder: Path, keep: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointFormatError, match=r"model\.safetensors"):
        Checkpoint.open(folder)


def test_folder_without_weights_or_config_says_what_is_missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointMissingError, match="safetensors"):
        Checkpoint.open(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointMissingError, match=r"config\.json"):
        Checkpoint.open(folder)
    with pytest.raises(CheckpointMissingError, match=r"config\.json"):
        Checkpoint.open(folder / "nowhere")


def test_missing_shard_is_named(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path, SMALL_SHAPE, num_shards=2)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointMissingError, match="model-00002-of-00002"):
        Checkpoint.open(folder)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": "../../secret.safetensors"}}'],
)
def test_broken_index_is_named(tmp_path: Path, text: str) -> None:
    folder = random_checkpoint(tmp_path, SMALL_SHAPE, num_shards=2)
    (folder / "model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointFormatError, match=r"index\.json"):
        Checkpoint.open(folder)


def test_tensor_in_two_files_is_refused(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder / "second.safetensors")
    with pytest.raises(CheckpointFormatError, match="is also in"):
        Checkpoint.open(folder)


def test_file_that_vanishes_after_opening_is_a_checkpoint_error(folder: Path) -> None:
    checkpoint = Checkpoint.open(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError):
        checkpoint.weights_digest()
