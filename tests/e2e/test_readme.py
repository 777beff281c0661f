"""The README's Python example runs as it stands, against a real service."""

import re
import subprocess
import sys

import pytest

from finsvc.demo import Service
from tests.data import ROOT

pytestmark = pytest.mark.e2e


def test_python_example_of_the_readme_answers_verified(service: Service) -> None:
    found = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    example = found[1].replace("http://127.0.0.1:8741", service.url)
    code = f"KEY = {service.key!r}\n{example}"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "720,101 USD" in done.stdout
    assert done.stdout.rstrip().endswith("verified")
