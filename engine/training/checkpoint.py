"""Saving and resuming a training run: weights, AdamW moments, step, clock and schedule.

One folder: `state.safetensors` (float32 tensors `weight.*`, `mean.*`, `square.*`) and `state.json`.
A resumed run continues bit for bit, since data and learning rate follow from the step and the
schedule. The folder is replaced as a whole: a run that dies while saving leaves the state before.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import AdamW

_TENSORS = "state.safetensors"
_RECORD = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run stands, apart from its tensors.

    Attributes:
        seed: Of weights and data.
        step: Number of steps made; the next step's index.
        elapsed_s: Training time so far.
        starts: First step of each thousandth of progress reached.
        batch_rows: Rows in a step; part of the data position.
        num_positions: Length of a row.
        init: Weights digest of the release that the run started from; empty for random weights.
    """

    seed: int
    step: int
    elapsed_s: float
    starts: list[int]
    batch_rows: int
    num_positions: int
    init: str = ""


def save_state(folder: Path, network: nn.Module, optimiser: AdamW, state: RunState) -> None:
    """Writes the state of a run, replacing what the folder held.

    Args:
        folder: Created if absent.
        network: Its parameters are saved.
        optimiser: Its moments are saved; it must have made at least one step.
        state: The rest.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in network.named_parameters():
        moments = optimiser.state[parameter]
        tensors[f"weight.{name}"] = parameter.detach()
        tensors[f"mean.{name}"] = moments["exp_avg"]
        tensors[f"square.{name}"] = moments["exp_avg_sq"]
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({name: tensor.cpu() for name, tensor in tensors.items()}, fresh / _TENSORS)
    (fresh / _RECORD).write_text(json.dumps(asdict(state)), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def load_state(folder: Path, network: nn.Module, optimiser: AdamW) -> RunState:
    """Puts a saved state back into a network and its optimiser.

    Raises:
        FileNotFoundError: The folder holds no state.
        KeyError: The state is of another network.
    """
    state = RunState(**json.loads((folder / _RECORD).read_text(encoding="utf-8")))
    tensors = load_file(folder / _TENSORS)
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            parameter.copy_(tensors[f"weight.{name}"])
        optimiser.state[parameter] = {
            "step": torch.tensor(float(state.step), device=_step_device(optimiser, parameter)),
            "exp_avg": tensors[f"mean.{name}"].to(parameter.device),
            "exp_avg_sq": tensors[f"square.{name}"].to(parameter.device),
        }
    return state


def _step_device(optimiser: AdamW, parameter: nn.Parameter) -> torch.device:
    """Where AdamW keeps its step count: beside the parameter when fused, else on the CPU."""
    is_fused = bool(optimiser.param_groups[0]["fused"])
    return parameter.device if is_fused else torch.device("cpu")
