"""What callers that do not import Triton need of it: what it raises, and its version."""

from __future__ import annotations

import subprocess

import triton
from triton.errors import TritonError

# An unsupported operation, an assembler that rejects the code, a missing compiler.
COMPILE_FAILURES = (TritonError, subprocess.CalledProcessError, FileNotFoundError)
TRITON_VERSION: str = triton.__version__
