"""A client that costs little: raw completions as streams, over plain sockets.

Reads events without parsing all of them, so that on two cores the service is measured rather than
its client.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit


class Service(Protocol):
    """Where a service listens and a key of its."""

    @property
    def url(self) -> str:
        """Beginning with http://."""

    @property
    def key(self) -> str:
        """An API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a request went; times in seconds since it was sent, None where there was no such event.

    Attributes:
        status: HTTP status.
        head_s: When the status line came.
        text_s: When the first text came.
        total_s: When the answer was whole.
        tokens: Sampled tokens.
        chunks: Events with text.
        is_whole: Whether the stream ended with its terminal event and no error.
    """

    status: int
    head_s: float
    text_s: float | None
    total_s: float
    tokens: int
    chunks: int
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request for a completion."""

    text: str
    seed: int
    temperature: float
    max_tokens: int

    def body(self) -> bytes:
        """The request's JSON."""
        document = {
            "model": "embedded",
            "messages": [{"role": "user", "content": self.text}],
            "temperature": self.temperature,
            "seed": self.seed,
            "max_completion_tokens": self.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return json.dumps(document).encode()


async def complete(service: Service, prompt: Prompt) -> Reply:
    """Send one request on a connection of its own and read its stream."""
    address = urlsplit(service.url)
    body = prompt.body()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\n"
        f"authorization: Bearer {service.key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    started = time.perf_counter()
    try:
        writer.write(head.encode() + body)
        status = int((await reader.readline()).split()[1])
        head_s = time.perf_counter() - started
        return await _read(reader, started, status, head_s)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, started: float, status: int, head_s: float) -> Reply:
    text_s = None
    chunks = 0
    last = b""
    usage: Mapping[str, int] = {}
    async for line in reader:
        if not line.startswith(b"data: "):
            continue
        last = line
        if b'"content":"' in line and b'"content":""' not in line:
            chunks += 1
            text_s = text_s or time.perf_counter() - started
        elif b'"completion_tokens"' in line:
            usage = json.loads(line[6:])["usage"]
    return Reply(
        status=status,
        head_s=head_s,
        text_s=text_s,
        total_s=time.perf_counter() - started,
        tokens=usage.get("completion_tokens", 0),
        chunks=chunks,
        is_whole=last.startswith(b"data: [DONE]"),
    )
