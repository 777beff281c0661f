"""The operand check."""

import pytest
import torch

from kernels.checks import expect
from kernels.errors import KernelError, OperandError


def test_operand_that_fits_passes_and_its_sizes_are_recorded() -> None:
    sizes = {"D": 3}
    expect("x", torch.zeros(2, 3), "T D", dtype=torch.float32, sizes=sizes, contiguous=True)
    assert sizes == {"T": 2, "D": 3}
    expect("x", torch.zeros(5, 4, 2, 3), "... T D", sizes=sizes)


@pytest.mark.parametrize(
    ("x", "dims", "options", "message"),
    [
        (torch.zeros(2), "T D", {}, r"expected dimensions T D, got \[2\]"),
        (torch.zeros(2), "... T D", {}, r"expected dimensions \.\.\. T D"),
        (torch.zeros(2, 4), "T D", {"sizes": {"D": 3}}, "expected D=3, got D=4"),
        (torch.zeros(2, 3), "T T", {}, "expected T=2, got T=3"),
        (torch.zeros(2), "T", {"dtype": torch.uint8}, "expected torch.uint8, got torch.float32"),
        (torch.zeros(4, 2).T, "T D", {"contiguous": True}, "expected contiguous"),
    ],
)
def test_operand_that_does_not_fit_is_refused(
    x: torch.Tensor, dims: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(OperandError, match=f"operand x: {message}") as caught:
        expect("x", x, dims, **options)  # type: ignore[arg-type]
    assert caught.value.code == "operand"
    assert isinstance(caught.value, KernelError)
