"""A released folder holds what was trained: bit for bit, in the engine and in transformers."""

import warnings
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.cpu_runner import CpuRunner, Work
from engine.determinism import choose_products
from engine.kv_cache import KvCache
from engine.model import load_weights
from engine.tokenizer import Tokenizer
from engine.training.attention import PackedMasks
from engine.training.export import export_tensors, write_checkpoint
from engine.training.model import Block, Network
from kernels.reference.mxfp4 import decode_mxfp4
from tests.engine.test_oracle import oracle_logits
from tests.engine.training.factories import TINY, random_network

IDS = [(7 * idx + idx * idx) % 4096 for idx in range(90)]


@pytest.fixture(scope="module")
def network() -> Network:
    network = random_network()
    network.quantise()
    return network


@pytest.fixture(scope="module")
def folder(
    network: Network, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("release")
    write_checkpoint(folder, export_tensors(network), TINY, tokenizer.special_ids)
    return folder


def _training_logits(network: Network) -> torch.Tensor:
    token = torch.tensor([IDS])
    position = torch.arange(len(IDS))[None]
    masks = PackedMasks(1, len(IDS), window=TINY.sliding_window, device=torch.device("cpu"))
    masks.update(torch.zeros_like(token), position)
    with torch.no_grad():
        x_BSD, _ = network.hidden(token, position, masks.dense())
        return network.logits(x_BSD)[0]


def test_exported_experts_decode_to_the_values_of_the_last_forward_pass(
    network: Network, folder: Path
) -> None:
    stored = dict(Checkpoint.open(folder).stored_tensors())
    for idx, layer in enumerate(network.model.layers):
        assert isinstance(layer, Block)
        experts = layer.mlp.experts
        shifts = {"gate_up_proj": experts.gate_up_shift, "down_proj": experts.down_shift}
        for name, shift in shifts.items():
            trained = (getattr(experts, name) + shift).detach().to(torch.bfloat16)
            full = f"model.layers.{idx}.mlp.experts.{name}"
            decoded = decode_mxfp4(stored[f"{full}_blocks"], stored[f"{full}_scales"])
            assert torch.equal(decoded.float(), trained.float()), full


def test_export_computes_the_same_logits_in_the_engine(network: Network, folder: Path) -> None:
    checkpoint = Checkpoint.open(folder)
    runner = CpuRunner(load_weights(checkpoint), choose_products(checkpoint.config))
    cache = KvCache(checkpoint.config)
    cache.reserve(len(IDS))
    steps = [runner.step([Work(cache, [token_id])])[0].clone() for token_id in IDS]
    found = torch.stack(steps)
    torch.testing.assert_close(found, _training_logits(network), rtol=1e-4, atol=1e-4)


def test_export_computes_the_same_logits_in_transformers(network: Network, folder: Path) -> None:
    found = oracle_logits(Checkpoint.open(folder), IDS)
    torch.testing.assert_close(found, _training_logits(network), rtol=1e-4, atol=1e-4)


def test_export_loads_in_transformers_from_its_folder(folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.GptOssForCausalLM.from_pretrained(
            folder,
            quantization_config=transformers.Mxfp4Config(dequantize=True),
            dtype=torch.float32,
            attn_implementation="eager",
            experts_implementation="eager",
        )
        with torch.no_grad():
            found = model.eval()(torch.tensor([IDS])).logits[0]
    expected = oracle_logits(Checkpoint.open(folder), IDS)
    torch.testing.assert_close(found.float(), expected, rtol=1e-3, atol=1e-3)


def test_shards_stay_below_their_bound(
    network: Network, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = 400_000
    monkeypatch.setattr("engine.training.export.SHARD_BYTES_MAX", bound)
    tensors = export_tensors(network)
    write_checkpoint(tmp_path, tensors, TINY, tokenizer.special_ids)
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    single = {name for name, tensor in tensors.items() if tensor.nbytes > bound}
    assert len([path for path in shards if path.stat().st_size > bound * 1.1]) <= len(single)
    assert Checkpoint.open(tmp_path).weights_digest()
