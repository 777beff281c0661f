"""Where the test data that others wrote lives, and what its absence means."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_data(relative: str) -> Path:
    """Return a file or folder of the third-party test data.

    The folder is named by ``FINSVC_TEST_DATA`` and defaults to ``shared/data`` beside the checkout.
    Where it is absent the test is skipped with a message, except in CI, where absence is a failure.
    """
    folder = Path(os.environ.get("FINSVC_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = folder / relative
    if not path.exists():
        message = f"third-party test data {relative} not found under {folder}; set FINSVC_TEST_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


# The helper is imported into test modules; pytest must not collect it as a test.
test_data.__test__ = False  # type: ignore[attr-defined]
