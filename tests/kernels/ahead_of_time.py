"""Compiles what public operations launch, without a GPU: their wrappers run, launches are caught.

Runs in a process of its own, because the tests' process interprets kernels:
`python -m tests.kernels.ahead_of_time CASES`, where CASES is a module with `CASES`, a dict of name
to a function without arguments that calls operations on CPU tensors. Prints one JSON line for each
kernel, case and target.
"""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.experimental.gluon._runtime import GluonASTSource
from triton.runtime.jit import JITFunction

TARGETS = (90, 80)
GLUON_TARGET = 90
OPTIONS = ("num_warps", "num_stages", "enable_fp_fusion", "launch_pdl", "maxnreg")
POINTERS = {
    torch.bfloat16: "*bf16",
    torch.float32: "*fp32",
    torch.float64: "*fp64",
    torch.int32: "*i32",
    torch.int64: "*i64",
    torch.uint8: "*u8",
}


def type_of(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return POINTERS[value.dtype]
    if isinstance(value, float):
        return "fp32"
    assert isinstance(value, int)
    return "i32"


def compile_launch(kernel: Any, args: tuple[Any, ...], kwargs: dict[str, Any], arch: int) -> Any:
    options = {name: kwargs[name] for name in OPTIONS if name in kwargs}
    options["launch_pdl"] = options.get("launch_pdl", False) and arch >= 90
    names = kernel.arg_names
    values = dict(zip(names, args, strict=False)) | {n: kwargs[n] for n in names if n in kwargs}
    if "PORTABLE" in values:
        values["PORTABLE"] = False
    if "USE_PDL" in values:
        values["USE_PDL"] = arch >= 90
        options["launch_pdl"] = arch >= 90
    constants = {p.name for p in kernel.params if p.is_constexpr}
    constants |= {name for name, value in values.items() if value is None}
    signature = {n: "constexpr" if n in constants else type_of(values[n]) for n in names}
    aligned = {
        (index,): [["tt.divisibility", 16]]
        for index, name in enumerate(names)
        if name not in constants
        and (isinstance(values[name], torch.Tensor) or values[name] % 16 == 0)
    }
    source = (GluonASTSource if kernel.is_gluon() else ASTSource)(
        fn=kernel,
        signature=signature,
        constexprs={(names.index(n),): values[n] for n in constants},
        attrs=aligned,
    )
    return triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)


def compile_case(case: Callable[[], None], arch: int) -> list[tuple[str, Any]]:
    compiled = []

    def caught(kernel: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        # Kernels in Gluon are for the architecture whose instructions they name.
        if kernel.is_gluon() and arch != GLUON_TARGET:
            return
        compiled.append((kernel.fn.__name__, compile_launch(kernel, args, kwargs, arch)))

    original = JITFunction.run
    JITFunction.run = caught
    try:
        case()
    finally:
        JITFunction.run = original
    return compiled


def main() -> None:
    module = importlib.import_module(sys.argv[1])
    for name, case in module.CASES.items():
        for arch in TARGETS:
            for kernel, binary in compile_case(case, arch):
                row = {
                    "case": name,
                    "kernel": kernel,
                    "arch": arch,
                    "shared_bytes": binary.metadata.shared,
                    "cubin_bytes": len(binary.asm["cubin"]),
                    "families": [f for f in ("wgmma", "mma.sync") if f in binary.asm["ptx"]],
                }
                sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
