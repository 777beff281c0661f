"""Reading of config.json in both layouts."""

import json
from pathlib import Path

import pytest

from engine.config import Layout, read_config
from engine.errors import CheckpointConfigError, CheckpointFormatError
from tests.engine.factories import SMALL_SHAPE, config_json

# The public config.json of gpt-oss-20b, both forms, as far as the network is concerned.
GPT_OSS_20B_OPENAI = {
    "num_hidden_layers": 24,
    "num_experts": 32,
    "experts_per_token": 4,
    "vocab_size": 201088,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "swiglu_limit": 7.0,
    "head_dim": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "sliding_window": 128,
    "initial_context_length": 4096,
    "rope_theta": 150000,
    "rope_scaling_factor": 32.0,
    "rope_ntk_alpha": 1,
    "rope_ntk_beta": 32,
}


def write(folder: Path, document: object) -> Path:
    (folder / "config.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize(
    ("num_layers", "num_experts", "num_parameters"),
    [(24, 32, 20_914_757_184), (36, 128, 116_829_156_672)],
)
def test_config_of_public_models_counts_their_parameters(
    tmp_path: Path, num_layers: int, num_experts: int, num_parameters: int
) -> None:
    document = GPT_OSS_20B_OPENAI | {"num_hidden_layers": num_layers, "num_experts": num_experts}
    config, layout = read_config(write(tmp_path, document))
    assert layout is Layout.OPENAI
    assert config.num_parameters == num_parameters
    assert config.context_length == 131072
    assert config.layer_is_sliding[:3] == (True, False, True)


def test_config_is_the_same_for_both_layouts(tmp_path: Path) -> None:
    first, _ = read_config(write(tmp_path, config_json(SMALL_SHAPE, Layout.OPENAI)))
    second, layout = read_config(write(tmp_path, config_json(SMALL_SHAPE, Layout.HUGGING_FACE)))
    assert layout is Layout.HUGGING_FACE
    assert first == second
    assert first.to_json() == second.to_json()


def test_config_reads_the_older_spelling_of_rope(tmp_path: Path) -> None:
    document = config_json(SMALL_SHAPE, Layout.HUGGING_FACE)
    expected, _ = read_config(write(tmp_path, document))
    rope = document.pop("rope_parameters")
    assert isinstance(rope, dict)
    document["rope_theta"] = rope.pop("rope_theta")
    document["rope_scaling"] = rope
    assert read_config(write(tmp_path, document))[0] == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", None),
        ("num_hidden_layers", 0),
        ("hidden_size", 65),
        ("hidden_size", "64"),
        ("hidden_size", True),
        ("intermediate_size", 48),
        ("num_attention_heads", 3),
        ("head_dim", 15),
        ("num_experts_per_tok", 9),
        ("vocab_size", -1),
        ("swiglu_limit", float("inf")),
        ("swiglu_limit", "7"),
        ("swiglu_alpha", 1.5),
        ("tie_word_embeddings", True),
        ("attention_bias", False),
        ("layer_types", ["full_attention"]),
        ("layer_types", ["full_attention", "linear_attention"]),
        ("quantization_config", None),
        ("quantization_config", {"quant_method": "gptq"}),
        ("rope_parameters", None),
        ("rope_parameters", "yarn"),
    ],
)
def test_config_value_that_the_network_cannot_have_is_refused_by_name(
    tmp_path: Path, config_document: dict[str, object], key: str, value: object
) -> None:
    config_document[key] = value
    with pytest.raises(CheckpointConfigError) as caught:
        read_config(write(tmp_path, config_document))
    assert key in caught.value.field or caught.value.field == "experts per token"
    assert caught.value.code == "checkpoint_config"


@pytest.mark.parametrize(
    ("key", "value"), [("truncate", True), ("rope_type", "linear"), ("factor", 0)]
)
def test_config_rope_value_that_the_network_cannot_have_is_refused_by_name(
    tmp_path: Path, config_document: dict[str, object], key: str, value: object
) -> None:
    rope = config_document["rope_parameters"]
    assert isinstance(rope, dict)
    rope[key] = value
    with pytest.raises(CheckpointConfigError, match=f"rope_parameters.{key}"):
        read_config(write(tmp_path, config_document))


def test_config_that_is_not_an_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointFormatError, match="got a list"):
        read_config(write(tmp_path, []))
    (tmp_path / "config.json").write_bytes(b"\xff{")
    with pytest.raises(CheckpointFormatError):
        read_config(tmp_path)
