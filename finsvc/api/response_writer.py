"""A response as it grows: its document and the events of its stream, from the same steps.

A response that is not streamed goes through the same steps, so both forms always agree.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

from finsvc.api.token_choices import logprob_items
from finsvc.services.conversation import ChatToolCall, TextKind, TextPiece

Event = dict[str, object]
_PIECE_CHARACTERS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a response ended.

    Attributes:
        status: completed, incomplete (cut by the bound) or cancelled.
        logprobs: Of the answer's tokens, in OpenAI's form.
        proof: What stands beside OpenAI's fields.
    """

    status: str
    calls: tuple[ChatToolCall, ...]
    logprobs: list[dict[str, object]]
    usage: Mapping[str, object]
    proof: Mapping[str, object]


class ResponseWriter:
    """Builds one response; each step returns the events that tell of it."""

    def __init__(self, head: Mapping[str, object], new_id: Callable[[str], str]) -> None:
        self.document: dict[str, object] = {
            **head,
            "status": "in_progress",
            "output": [],
            # Null until the end, as OpenAI sends it and Open Responses wants it.
            "usage": None,
        }
        self._new_id = new_id
        self._number = 0
        self._kind: TextKind | None = None

    def begin(self) -> list[Event]:
        """The response exists."""
        return [self._whole("response.created"), self._whole("response.in_progress")]

    def add(self, piece: TextPiece) -> list[Event]:
        """More text came."""
        events = []
        if piece.kind is not self._kind:
            events += [*self._close([], "completed"), *self._open(piece.kind)]
        self._part["text"] = f"{self._part['text']}{piece.text}"
        more: Event = {"delta": piece.text}
        if piece.kind is TextKind.ANSWER:
            more["logprobs"] = logprob_items(piece.logprobs)
        return [*events, self._about_part(f"{self._name}.delta", more)]

    def finish(self, outcome: Outcome, *, at: int) -> list[Event]:
        """The response ended; ``at`` counts seconds since 1970."""
        events: list[Event] = []
        status = "completed" if outcome.status == "completed" else "incomplete"
        has_answer = any(item["type"] == "message" for item in self._output)
        if not has_answer and not outcome.calls:
            events += [*self._close([], "completed"), *self._open(TextKind.ANSWER)]
        events += self._close(outcome.logprobs, status)
        for call in outcome.calls:
            events += self._call(call)
        reason = {"reason": "max_output_tokens"} if outcome.status == "incomplete" else None
        self.document |= {
            "status": outcome.status,
            "usage": dict(outcome.usage),
            "incomplete_details": reason,
            "finsvc": dict(outcome.proof),
        }
        if outcome.status == "completed":
            self.document["completed_at"] = at
        name = "completed" if outcome.status == "completed" else "incomplete"
        return [*events, self._whole(f"response.{name}")]

    def fail(self, error: Mapping[str, object]) -> list[Event]:
        """The response failed; ``error`` as in OpenAI's error document."""
        message = error["message"]
        self.document |= {
            "status": "failed",
            "error": {"code": "server_error", "message": message},
        }
        told = {"code": error["code"], "message": message, "param": error["param"]}
        return [self._event("error", told), self._whole("response.failed")]

    @property
    def _output(self) -> list[dict[str, object]]:
        return cast("list[dict[str, object]]", self.document["output"])

    @property
    def _part(self) -> dict[str, object]:
        return cast("list[dict[str, object]]", self._output[-1]["content"])[0]

    @property
    def _name(self) -> str:
        is_answer = self._kind is TextKind.ANSWER
        return "response.output_text" if is_answer else "response.reasoning_text"

    def _open(self, kind: TextKind) -> list[Event]:
        self._kind = kind
        item: dict[str, object]
        part: dict[str, object]
        if kind is TextKind.ANSWER:
            item = {"id": self._new_id("msg"), "type": "message", "role": "assistant"}
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        else:
            item = {"id": self._new_id("rs"), "type": "reasoning", "summary": []}
            part = {"type": "reasoning_text", "text": ""}
        item |= {"status": "in_progress", "content": []}
        self._output.append(item)
        added = self._about_item("response.output_item.added")
        item["content"] = [part]
        return [added, self._about_part("response.content_part.added", {"part": dict(part)})]

    def _close(self, logprobs: list[dict[str, object]], status: str) -> list[Event]:
        if self._kind is None:
            return []
        done: Event = {"text": self._part["text"]}
        if self._kind is TextKind.ANSWER:
            self._part["logprobs"] = done["logprobs"] = logprobs
        events = [
            self._about_part(f"{self._name}.done", done),
            self._about_part("response.content_part.done", {"part": dict(self._part)}),
        ]
        self._output[-1]["status"] = status
        self._kind = None
        return [*events, self._about_item("response.output_item.done")]

    def _call(self, call: ChatToolCall) -> list[Event]:
        item: dict[str, object] = {
            "id": self._new_id("fc"),
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": "",
            "status": "in_progress",
        }
        self._output.append(item)
        events = [self._about_item("response.output_item.added")]
        place = {"item_id": item["id"], "output_index": len(self._output) - 1}
        for start in range(0, len(call.arguments), _PIECE_CHARACTERS):
            delta = {"delta": call.arguments[start : start + _PIECE_CHARACTERS]}
            events.append(self._event("response.function_call_arguments.delta", place | delta))
        item |= {"arguments": call.arguments, "status": "completed"}
        done = {"arguments": call.arguments, "name": call.name}
        events.append(self._event("response.function_call_arguments.done", place | done))
        return [*events, self._about_item("response.output_item.done")]

    def _whole(self, kind: str) -> Event:
        return self._event(kind, {"response": deepcopy(self.document)})

    def _about_item(self, kind: str) -> Event:
        index = len(self._output) - 1
        return self._event(kind, {"output_index": index, "item": deepcopy(self._output[index])})

    def _about_part(self, kind: str, more: Event) -> Event:
        index = len(self._output) - 1
        place = {"item_id": self._output[index]["id"], "output_index": index, "content_index": 0}
        return self._event(kind, place | more)

    def _event(self, kind: str, more: Event) -> Event:
        number = self._number
        self._number += 1
        return {"type": kind, "sequence_number": number, **more}
