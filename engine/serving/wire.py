"""What goes between the engine's process and its callers: JSON documents behind their length.

A frame is a 32-bit big-endian byte count and a UTF-8 JSON array. Its first item names the message:

    hello    name, vocab_size, context_length, fingerprint            engine, once
    submit   id, request, grammar, terms                              caller
    cancel   id                                                       caller
    tokens   [id, token, digest, cached, finish, logprobs], …         engine
    failed   id, code, fields                                         engine
    stats    id, counts (from the engine)                             both
    rescore  id, [request, grammar, token_ids], …                     caller
    rescored id, [digest, difference, is_ended] or [code, fields], …  engine

Numbers keep their value: Python writes the shortest decimal that reads back as the same float.
Both ends belong to one user and one release; what does not parse ends the connection.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from engine.errors import (
    ContextLengthError,
    DeadlineError,
    EngineError,
    EngineStoppedError,
    NonFiniteLogitsError,
    QueueFullError,
    RequestError,
    TokenMaskError,
)
from engine.grammar import GrammarError
from engine.job import Priority, Terms, TokenEvent
from engine.recorded import RecordedGeneration, Rescored, TokenDifference
from engine.types import (
    FinishReason,
    GenerationRequest,
    Sampling,
    TokenLogprob,
    TokenLogprobs,
)

# A prompt of a whole context is a megabyte; a grammar with large schemas a few.
FRAME_BYTES_MAX = 64 << 20
_LENGTH = struct.Struct(">I")

Message = Sequence[object]


class WireError(EngineError):
    """The other end sent what is no message; the connection cannot go on."""

    code = "wire"


def send(connection: socket.socket, message: Message) -> None:
    """Send one message; for one thread at a time.

    Raises:
        OSError: The connection is gone.
    """
    data = json.dumps(message, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket) -> list[object] | None:
    """Return the next message, None when the other end has closed.

    Raises:
        OSError: The connection is gone.
        WireError: What came is no message.
    """
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > FRAME_BYTES_MAX:
        raise WireError(f"frame: expected at most {FRAME_BYTES_MAX} bytes, got {length}")
    data = _exactly(connection, length)
    if data is None:
        return None
    try:
        message = json.loads(data)
    except ValueError as error:
        raise WireError(f"frame: expected JSON, got {error}") from error
    if not isinstance(message, list) or not message:
        raise WireError(f"frame: expected a message, got {type(message).__name__}")
    return message


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def request_document(request: GenerationRequest) -> dict[str, object]:
    """Return a request as JSON values."""
    return {**asdict(request), "stop_ids": sorted(request.stop_ids)}


def read_request(document: object) -> GenerationRequest:
    """Return the request of a document."""
    fields = _mapping(document)
    try:
        return GenerationRequest(
            prompt_ids=tuple(_integers(fields["prompt_ids"])),
            max_new_tokens=int(str(fields["max_new_tokens"])),
            stop_ids=frozenset(_integers(fields["stop_ids"])),
            sampling=Sampling(**_numbers(fields["sampling"])),  # type: ignore[arg-type]  # by name
            top_logprobs=int(str(fields["top_logprobs"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"request: expected all of its fields, got {error!r}") from error


def terms_document(terms: Terms) -> dict[str, object]:
    """Return terms as JSON values."""
    return asdict(terms)


def read_terms(document: object) -> Terms:
    """Return the terms of a document."""
    fields = _mapping(document)
    timeout_s = fields.get("timeout_s")
    try:
        return Terms(
            tenant=str(fields["tenant"]),
            priority=Priority(int(str(fields["priority"]))),
            timeout_s=None if timeout_s is None else float(str(timeout_s)),
        )
    except (KeyError, ValueError) as error:
        raise WireError(f"terms: expected all of their fields, got {error!r}") from error


def token_item(item_id: int, event: TokenEvent) -> list[object]:
    """Return a token as an item of a `tokens` message."""
    logprobs = None
    if event.logprobs is not None:
        choices = (event.logprobs.sampled, *event.logprobs.top)
        logprobs = [[choice.token_id, choice.logprob] for choice in choices]
    finish = None if event.finish is None else event.finish.value
    return [item_id, event.token_id, event.digest, event.cached_tokens, finish, logprobs]


def read_token(item: object) -> TokenEvent:
    """Return the token of an item."""
    match item:
        case [int() as item_id, int() as token_id, str() as digest, int() as cached, end, choices]:
            return TokenEvent(
                job_id=item_id,
                token_id=token_id,
                digest=digest,
                cached_tokens=cached,
                finish=None if end is None else FinishReason(str(end)),
                logprobs=_logprobs(choices) if isinstance(choices, list) else None,
            )
        case _:
            raise WireError("token: expected an item of six")


def _logprobs(choices: Sequence[tuple[int, float]]) -> TokenLogprobs:
    sampled, *top = (TokenLogprob(token_id=token, logprob=value) for token, value in choices)
    return TokenLogprobs(sampled=sampled, top=tuple(top))


def recorded_item(generation: RecordedGeneration) -> list[object]:
    """Return a recorded generation as JSON values."""
    document = request_document(generation.request)
    return [document, generation.grammar, list(generation.token_ids)]


def read_recorded(item: object) -> RecordedGeneration:
    """Return the recorded generation of an item."""
    match item:
        case [request, str() as grammar, list() as token_ids]:
            return RecordedGeneration(
                request=read_request(request),
                grammar=grammar,
                token_ids=tuple(_integers(token_ids)),
            )
        case _:
            raise WireError("recorded: expected an item of three")


def rescored_item(outcome: Rescored | EngineError) -> list[object]:
    """Return what was found of a generation as JSON values."""
    if isinstance(outcome, EngineError):
        return list(error_fields(outcome))
    found = outcome.difference
    difference = None
    if found is not None:
        pairs = [[one.token_id, one.logprob] for one in (found.recorded, found.derived)]
        difference = [found.index, *pairs, found.is_allowed]
    return [outcome.logit_digest, difference, outcome.is_ended]


def read_rescored(item: object) -> Rescored | EngineError:
    """Return what was found of an item."""
    match item:
        case [str() as code, dict() as fields]:
            return read_error(code, fields)
        case [str() as digest, None, bool() as is_ended]:
            return Rescored(logit_digest=digest, difference=None, is_ended=is_ended)
        case [
            str() as digest,
            [
                int() as index,
                [int() as left, float() as left_logprob],
                [int() as right, float() as right_logprob],
                allowed,
            ],
            bool() as is_ended,
        ]:
            difference = TokenDifference(
                index=index,
                recorded=TokenLogprob(token_id=left, logprob=left_logprob),
                derived=TokenLogprob(token_id=right, logprob=right_logprob),
                is_allowed=bool(allowed),
            )
            return Rescored(logit_digest=digest, difference=difference, is_ended=is_ended)
        case _:
            raise WireError("rescored: expected an item of three, or an error")


# Errors of a request by code, with the arguments that make them again.
_ERRORS: Mapping[str, tuple[type[EngineError], tuple[str, ...]]] = {
    RequestError.code: (RequestError, ("field", "expected", "actual")),
    ContextLengthError.code: (
        ContextLengthError,
        ("context_length", "prompt_tokens", "max_new_tokens"),
    ),
    TokenMaskError.code: (TokenMaskError, ("position", "expected", "actual")),
    GrammarError.code: (GrammarError, ("field", "expected", "actual")),
    NonFiniteLogitsError.code: (NonFiniteLogitsError, ("position",)),
    QueueFullError.code: (QueueFullError, ("waiting_max", "retry_after_s")),
    DeadlineError.code: (DeadlineError, ("timeout_s",)),
    EngineStoppedError.code: (EngineStoppedError, ("detail",)),
}
_POSITIONAL = (RequestError, GrammarError, NonFiniteLogitsError, DeadlineError, EngineStoppedError)


def error_fields(error: EngineError) -> tuple[str, dict[str, object]]:
    """Return an error's code and the values that make it again."""
    known = _ERRORS.get(error.code)
    if known is None:
        return EngineError.code, {"detail": f"{error.code}: {error}"}
    return error.code, {name: getattr(error, name) for name in known[1]}


def read_error(code: object, fields: object) -> EngineError:
    """Return the error of a code and its values."""
    values = _mapping(fields)
    known = _ERRORS.get(str(code))
    if known is None:
        return EngineError(str(values.get("detail")))
    kind, names = known
    if not values.keys() >= set(names):
        raise WireError(f"error {code}: expected {names}, got {sorted(values)}")
    count = 1 if kind in _POSITIONAL else 0
    return kind(
        *(values[name] for name in names[:count]), **{name: values[name] for name in names[count:]}
    )


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise WireError(f"message: expected an object, got {type(value).__name__}")
    return value


def _integers(value: object) -> list[int]:
    if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
        raise WireError("message: expected integers")
    return value


def _numbers(value: object) -> Mapping[str, float]:
    fields = _mapping(value)
    if not all(isinstance(item, int | float) for item in fields.values()):
        raise WireError("message: expected numbers")
    return fields  # type: ignore[return-value]  # every value was checked
