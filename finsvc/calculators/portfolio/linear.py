"""Small dense systems by elimination and by orthogonal columns, elementwise.

No library of matrices: sums run in a fixed order, so that the bits do not depend on threads.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def solve(matrix_ff: Floats, right_f: Floats) -> Floats | None:
    """Solve a square system by elimination with partial pivoting; None when it is singular."""
    size = len(right_f)
    rows = np.concatenate([matrix_ff, right_f[:, None]], axis=1).astype(np.float64)
    floor = 1e-13 * max(1e-300, float(np.abs(matrix_ff).max()))
    for column in range(size):
        pivot = column + int(np.argmax(np.abs(rows[column:, column])))
        if abs(rows[pivot, column]) <= floor:
            return None
        rows[[column, pivot]] = rows[[pivot, column]]
        factors = rows[column + 1 :, column] / rows[column, column]
        rows[column + 1 :] -= factors[:, None] * rows[column]
    found = np.zeros(size)
    for row in range(size - 1, -1, -1):
        rest = rows[row, size] - (rows[row, row + 1 : size] * found[row + 1 :]).sum()
        found[row] = rest / rows[row, row]
    return found


def orthogonal_fit(columns_nf: Floats, values_n: Floats) -> tuple[Floats, Floats] | None:
    """Least squares by modified Gram-Schmidt, each column twice.

    Returns:
        Coefficients (F,) and the diagonal of the inverse of the columns' products, (F,); None when
        a column depends on those before it.
    """
    size = columns_nf.shape[1]
    basis: list[Floats] = []
    triangle = np.zeros((size, size))
    for index in range(size):
        column = columns_nf[:, index].copy()
        length = float(np.sqrt((column * column).sum()))
        for _ in range(2):
            for earlier, unit in enumerate(basis):
                along = float((unit * column).sum())
                triangle[earlier, index] += along
                column -= along * unit
        rest = float(np.sqrt((column * column).sum()))
        if rest <= 1e-10 * length or length == 0.0:
            return None
        triangle[index, index] = rest
        basis.append(column / rest)
    projected = np.array([float((unit * values_n).sum()) for unit in basis])
    inverse = np.zeros((size, size))
    for column_idx in range(size - 1, -1, -1):
        inverse[column_idx, column_idx] = 1.0 / triangle[column_idx, column_idx]
        for row in range(column_idx - 1, -1, -1):
            terms = (
                triangle[row, row + 1 : column_idx + 1]
                * inverse[row + 1 : column_idx + 1, column_idx]
            )
            inverse[row, column_idx] = -terms.sum() / triangle[row, row]
    return (inverse * projected).sum(axis=1), (inverse * inverse).sum(axis=1)
