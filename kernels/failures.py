"""What Triton raises when it cannot compile a kernel, for callers that do not know Triton."""

from __future__ import annotations

import subprocess

from triton.errors import TritonError

# An unsupported operation, an assembler that rejects the code, a missing compiler.
COMPILE_FAILURES = (TritonError, subprocess.CalledProcessError, FileNotFoundError)
