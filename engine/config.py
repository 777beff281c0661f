"""Shape and constants of a gpt-oss network, read from either layout's config.json.

Owns the one description of the network that the rest of the engine uses; knows nothing of tensors.
Everything that the network cannot be, such as tied embeddings or a rounded YaRN range, is refused
here with the key's name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import CheckpointConfigError, CheckpointFormatError, CheckpointMissingError
from kernels.reference.moe import SWIGLU_ALPHA
from kernels.reference.mxfp4 import BLOCK_VALUES
from kernels.reference.rope import Yarn

CONFIG_FILE = "config.json"
RMS_NORM_EPS = 1e-5
SLIDING = "sliding_attention"
FULL = "full_attention"


class Layout(StrEnum):
    """Whose names the tensors of a checkpoint have."""

    OPENAI = "openai"
    HUGGING_FACE = "huggingface"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The shape of one network; sizes in elements, the window in tokens including the query."""

    num_layers: int
    hidden_size: int
    intermediate_size: int
    num_experts: int
    experts_per_token: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    vocab_size: int
    sliding_window: int
    layer_is_sliding: tuple[bool, ...]
    yarn: Yarn
    swiglu_limit: float
    rms_norm_eps: float
    context_length: int

    @property
    def qkv_size(self) -> int:
        """Rows of the fused query, key and value projection."""
        return (self.num_heads + 2 * self.num_kv_heads) * self.head_dim

    @property
    def num_parameters(self) -> int:
        """Parameters of the network, an MXFP4 value counting as one."""
        d, f, e = self.hidden_size, self.intermediate_size, self.num_experts
        heads = self.num_heads * self.head_dim
        attention = self.qkv_size * (d + 1) + d * (heads + 1) + self.num_heads + d
        mlp = d + e * (d + 1) + e * (2 * f * (d + 1) + d * (f + 1))
        return self.num_layers * (attention + mlp) + 2 * self.vocab_size * d + d

    def to_json(self) -> str:
        """Return canonical JSON, the same for both layouts of one network."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def read_config(folder: Path) -> tuple[ModelConfig, Layout]:
    """Read and check the config.json of a checkpoint folder.

    Raises:
        CheckpointMissingError: There is no config.json.
        CheckpointFormatError: It is not a JSON object.
        CheckpointConfigError: A key is absent or has a value that the network cannot have.
    """
    path = folder / CONFIG_FILE
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointMissingError(str(folder), CONFIG_FILE) from error
    except (OSError, ValueError) as error:
        raise CheckpointFormatError(str(path), f"expected a JSON object, got {error}") from error
    if not isinstance(document, dict):
        actual = type(document).__name__
        raise CheckpointFormatError(str(path), f"expected a JSON object, got a {actual}")
    keys = _Keys(str(path), document)
    if "num_local_experts" in document:
        return _from_hugging_face(keys), Layout.HUGGING_FACE
    return _from_openai(keys), Layout.OPENAI


@dataclass(frozen=True, slots=True)
class _Keys:
    """Typed access to a JSON object, errors naming the key."""

    path: str
    values: Mapping[str, object]
    prefix: str = ""

    def error(self, key: str, expected: str, actual: object) -> CheckpointConfigError:
        field = f"{self.prefix}{key}"
        return CheckpointConfigError(self.path, field, expected=expected, actual=repr(actual))

    def integer(self, key: str, default: int | None = None, *, multiple: int = 1) -> int:
        value = self.values.get(key, default)
        if type(value) is not int or value <= 0 or value % multiple:
            unit = f" that is a multiple of {multiple}" if multiple > 1 else ""
            raise self.error(key, f"a positive integer{unit}", value)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.values.get(key, default)
        if type(value) not in (int, float):
            raise self.error(key, "a positive number", value)
        number = float(value)  # type: ignore[arg-type]  # narrowed by the test above
        if not (math.isfinite(number) and number > 0):
            raise self.error(key, "a positive number", value)
        return number

    def fixed(self, key: str, expected: object) -> None:
        value = self.values.get(key, expected)
        if value != expected:
            raise self.error(key, repr(expected), value)

    def nested(self, key: str) -> _Keys | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(key, "an object", value)
        return _Keys(self.path, value, f"{self.prefix}{key}.")


def _from_openai(keys: _Keys) -> ModelConfig:
    yarn = Yarn(
        theta=keys.number("rope_theta", 150_000.0),
        factor=keys.number("rope_scaling_factor", 32.0),
        original_context=keys.integer("initial_context_length", 4096),
        beta_slow=keys.number("rope_ntk_alpha", 1.0),
        beta_fast=keys.number("rope_ntk_beta", 32.0),
    )
    num_layers = keys.integer("num_hidden_layers")
    return _build(
        keys,
        num_experts=keys.integer("num_experts"),
        experts_per_token=keys.integer("experts_per_token"),
        layer_is_sliding=tuple(layer % 2 == 0 for layer in range(num_layers)),
        yarn=yarn,
        context_length=round(yarn.original_context * yarn.factor),
    )


def _from_hugging_face(keys: _Keys) -> ModelConfig:
    for key, value in (("tie_word_embeddings", False), ("attention_bias", True)):
        keys.fixed(key, value)
    keys.fixed("swiglu_alpha", SWIGLU_ALPHA)
    quantization = keys.nested("quantization_config")
    if quantization is None:
        raise keys.error("quantization_config", "an object", None)
    quantization.fixed("quant_method", "mxfp4")
    rope = keys.nested("rope_parameters") or keys.nested("rope_scaling")
    if rope is None:
        raise keys.error("rope_parameters", "an object", None)
    rope.fixed("rope_type", "yarn")
    if rope.values.get("truncate", True) is not False:
        raise rope.error("truncate", "false", rope.values.get("truncate"))
    theta = rope if "rope_theta" in rope.values else keys
    yarn = Yarn(
        theta=theta.number("rope_theta"),
        factor=rope.number("factor"),
        original_context=rope.integer("original_max_position_embeddings"),
        beta_slow=rope.number("beta_slow", 1.0),
        beta_fast=rope.number("beta_fast", 32.0),
    )
    return _build(
        keys,
        num_experts=keys.integer("num_local_experts"),
        experts_per_token=keys.integer("num_experts_per_tok"),
        layer_is_sliding=_layer_types(keys),
        yarn=yarn,
        context_length=keys.integer("max_position_embeddings"),
    )


def _layer_types(keys: _Keys) -> tuple[bool, ...]:
    num_layers = keys.integer("num_hidden_layers")
    alternating = [SLIDING if layer % 2 == 0 else FULL for layer in range(num_layers)]
    types = keys.values.get("layer_types", alternating)
    if (
        not isinstance(types, Sequence)
        or len(types) != num_layers
        or not set(types) <= {SLIDING, FULL}
    ):
        raise keys.error("layer_types", f"{num_layers} of {SLIDING} or {FULL}", types)
    return tuple(kind == SLIDING for kind in types)


def _build(
    keys: _Keys,
    *,
    num_experts: int,
    experts_per_token: int,
    layer_is_sliding: tuple[bool, ...],
    yarn: Yarn,
    context_length: int,
) -> ModelConfig:
    if experts_per_token > num_experts:
        raise keys.error("experts per token", f"at most {num_experts} experts", experts_per_token)
    num_kv_heads = keys.integer("num_key_value_heads")
    return ModelConfig(
        num_layers=len(layer_is_sliding),
        hidden_size=keys.integer("hidden_size", multiple=BLOCK_VALUES),
        intermediate_size=keys.integer("intermediate_size", multiple=BLOCK_VALUES),
        num_experts=num_experts,
        experts_per_token=experts_per_token,
        num_heads=keys.integer("num_attention_heads", multiple=num_kv_heads),
        num_kv_heads=num_kv_heads,
        head_dim=keys.integer("head_dim", 64, multiple=2),
        vocab_size=keys.integer("vocab_size"),
        sliding_window=keys.integer("sliding_window"),
        layer_is_sliding=layer_is_sliding,
        yarn=yarn,
        swiglu_limit=keys.number("swiglu_limit", 7.0),
        rms_norm_eps=keys.number("rms_norm_eps", RMS_NORM_EPS),
        context_length=context_length,
    )
