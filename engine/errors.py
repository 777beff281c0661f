"""Errors of the engine.

    EngineError
    ├── CheckpointError            the folder cannot be used as a model
    │   ├── CheckpointMissingError     a file or tensor is absent
    │   ├── CheckpointConfigError      config.json is unusable
    │   ├── CheckpointFormatError      a file is truncated or not what its name says
    │   ├── CheckpointTensorError      a tensor has a wrong shape, dtype or value
    │   └── CheckpointDigestError      the weights are not those the folder promises
    ├── RequestError               a request cannot be run on this model
    │   └── ContextLengthError         prompt and answer do not fit the context
    ├── TokenMaskError             a grammar mask allows nothing or has a wrong size
    ├── NonFiniteLogitsError       the network produced NaN or infinity
    ├── QueueFullError             too many requests wait already
    ├── DeadlineError              a request's time ran out before its answer was whole
    ├── EngineStoppedError         the engine drains, was killed or cannot be reached
    └── DeterminismError           this machine does not keep the determinism contract

Every error has a stable `code` and typed fields; its text names what was expected and what came.
"""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """Root of all errors raised by the engine package."""

    code: ClassVar[str] = "engine_error"


class CheckpointError(EngineError):
    """A checkpoint folder cannot be used.

    Attributes:
        path: The folder or file at fault.
        detail: The sentence that says what was expected and what was found.
    """

    code: ClassVar[str] = "checkpoint_error"

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class CheckpointMissingError(CheckpointError):
    """A file or tensor that the model needs is absent."""

    code: ClassVar[str] = "checkpoint_missing"

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path, f"expected {name}, which is missing")
        self.name = name


class CheckpointConfigError(CheckpointError):
    """config.json lacks a key or has a value that the network cannot have."""

    code: ClassVar[str] = "checkpoint_config"

    def __init__(self, path: str, field: str, *, expected: str, actual: str) -> None:
        super().__init__(path, f"{field}: expected {expected}, got {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


class CheckpointFormatError(CheckpointError):
    """A file is truncated or is not of the format its name says."""

    code: ClassVar[str] = "checkpoint_format"


class CheckpointTensorError(CheckpointError):
    """A tensor has a wrong shape, dtype or value."""

    code: ClassVar[str] = "checkpoint_tensor"

    def __init__(self, path: str, tensor: str, *, expected: str, actual: str) -> None:
        super().__init__(path, f"tensor {tensor}: expected {expected}, got {actual}")
        self.tensor = tensor
        self.expected = expected
        self.actual = actual


class CheckpointDigestError(CheckpointError):
    """The weights are not those that the folder's own record promises."""

    code: ClassVar[str] = "checkpoint_digest"

    def __init__(self, path: str, *, expected: str, actual: str) -> None:
        super().__init__(path, f"weights digest: expected {expected}, got {actual}")
        self.expected = expected
        self.actual = actual


class RequestError(EngineError):
    """A generation request has a value that this model cannot run.

    Attributes:
        field: Name of the request field at fault.
        expected: What it may be.
        actual: What it was.
    """

    code: ClassVar[str] = "invalid_request"

    def __init__(self, field: str, *, expected: str, actual: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


class ContextLengthError(RequestError):
    """Prompt and requested answer exceed the context length of the model."""

    code: ClassVar[str] = "context_length_exceeded"

    def __init__(self, *, context_length: int, prompt_tokens: int, max_new_tokens: int) -> None:
        super().__init__(
            "prompt_ids",
            expected=f"prompt and answer of at most {context_length} tokens",
            actual=f"{prompt_tokens} prompt tokens and max_new_tokens {max_new_tokens}",
        )
        self.context_length = context_length
        self.prompt_tokens = prompt_tokens
        self.max_new_tokens = max_new_tokens


class TokenMaskError(EngineError):
    """A token mask allows no token or does not fit the vocabulary."""

    code: ClassVar[str] = "token_mask"

    def __init__(self, *, position: int, expected: str, actual: str) -> None:
        super().__init__(f"token mask at position {position}: expected {expected}, got {actual}")
        self.position = position
        self.expected = expected
        self.actual = actual


class NonFiniteLogitsError(EngineError):
    """The network produced NaN or infinity, which no token can be drawn from."""

    code: ClassVar[str] = "non_finite_logits"

    def __init__(self, position: int) -> None:
        super().__init__(f"logits at position {position}: expected finite numbers, got others")
        self.position = position


class DeterminismError(EngineError):
    """The load-time self-check found bits that depend on more than the tokens before."""

    code: ClassVar[str] = "determinism"

    def __init__(self, detail: str) -> None:
        super().__init__(f"determinism self-check: {detail}")
        self.detail = detail


class QueueFullError(EngineError):
    """Too many requests wait; the same request may be taken later.

    Attributes:
        waiting_max: Requests that may wait.
        retry_after_s: Seconds in which those that wait now should have begun, as measured.
    """

    code: ClassVar[str] = "queue_full"

    def __init__(self, *, waiting_max: int, retry_after_s: float) -> None:
        super().__init__(f"queue: expected at most {waiting_max} waiting requests, got one more")
        self.waiting_max = waiting_max
        self.retry_after_s = retry_after_s


class DeadlineError(EngineError):
    """The time that a request was given ran out before its answer was whole."""

    code: ClassVar[str] = "deadline_exceeded"

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"timeout_s: expected an answer within {timeout_s:g} s, got none")
        self.timeout_s = timeout_s


class EngineStoppedError(EngineError):
    """The engine takes no requests: it drains, was killed or cannot be reached.

    Attributes:
        detail: Which of them.
    """

    code: ClassVar[str] = "engine_stopped"

    def __init__(self, detail: str) -> None:
        super().__init__(f"engine: expected one that runs, got one that {detail}")
        self.detail = detail
