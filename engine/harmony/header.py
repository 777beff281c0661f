"""Headers of assistant messages as a model writes them, well-formed or not.

Owns the reading of `role [to=recipient]`, then per channel token `channel [to=recipient] [type]`.
Never raises; deviations are faults of the header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.harmony.messages import Channel, ControlToken, Role

_RECIPIENT = re.compile(r"to=(\S+)")
_CONTENT_TYPES = frozenset({"json", "code"})
# Head of a message that lacks its `<|message|>`: what can be told from the content.
_JOINED_HEAD = re.compile(
    r"\s*(?P<channel>analysis|commentary|final)?(?:\s*to=[A-Za-z0-9_.-]+)*(?:\s*(?:json|code)(?!\w))?\s*"
)


class HeaderFault(StrEnum):
    """How a header departs from the format."""

    GARBAGE = "garbage"
    MISSING_CHANNEL = "missing_channel"
    UNKNOWN_CHANNEL = "unknown_channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header says.

    Attributes:
        channel: None when absent or unknown.
        recipients: Distinct names after `to=` in order; `assistant` and `all` mean nobody.
        is_constrained: Whether the constrain token stood before a content type.
        is_recipient_in_role: Whether a recipient stood before the channel.
        is_foreign: Whether the author is not the assistant.
        faults: Deviations.
    """

    channel: Channel | None
    recipients: tuple[str, ...]
    is_constrained: bool
    is_recipient_in_role: bool
    is_foreign: bool
    faults: tuple[HeaderFault, ...]


def read_header(items: Sequence[ControlToken | str]) -> Header:
    """Read the items between the start of a message and its `<|message|>`."""
    sections: list[list[str]] = [[]]
    is_constrained = False
    for item in items:
        if item is ControlToken.CHANNEL:
            sections.append([])
        elif isinstance(item, str):
            sections[-1].append(item)
        elif item is ControlToken.CONSTRAIN:
            is_constrained = True
            sections[-1].append(" ")
    role, *channels = ["".join(section) for section in sections]
    faults: list[HeaderFault] = []
    is_foreign, role_recipients = _read_role(role, faults)
    names, recipients = _read_channels(channels, faults)
    everyone = [name for name in role_recipients + recipients if name not in ("assistant", "all")]
    return Header(
        channel=_channel(names, faults),
        recipients=tuple(dict.fromkeys(everyone)),
        is_constrained=is_constrained,
        is_recipient_in_role=bool(role_recipients),
        is_foreign=is_foreign,
        faults=tuple(faults),
    )


def read_joined(items: Sequence[ControlToken | str]) -> tuple[Header, str]:
    """Read a message without `<|message|>`: its header and the content that follows in one."""
    last = max((i for i, item in enumerate(items) if item is ControlToken.CHANNEL), default=None)
    if last is None:
        # Nothing tells an audience; the words after the role are the content.
        text = "".join(item for item in items if isinstance(item, str))
        content = text.strip().removeprefix(Role.ASSISTANT.value)
        return read_header(["assistant"]), content.strip()
    is_constrained = ControlToken.CONSTRAIN in items[last:]
    tail = "".join(item if isinstance(item, str) else " " for item in items[last + 1 :])
    match = _JOINED_HEAD.match(tail)
    end = match.end() if match else 0
    constrain = [ControlToken.CONSTRAIN] if is_constrained else []
    # An earlier channel section must not give its name to content that does not bear it.
    name = "" if match and match["channel"] else "?"
    return read_header([*items[: last + 1], name, tail[:end], *constrain]), tail[end:]


def _read_role(text: str, faults: list[HeaderFault]) -> tuple[bool, list[str]]:
    """Return whether the author is foreign, and the recipients."""
    recipients = _RECIPIENT.findall(text)
    words = _RECIPIENT.sub(" ", text).split()
    if words and words[0] == Role.ASSISTANT.value:
        words = words[1:]
    elif words:
        return True, recipients
    if words:
        faults.append(HeaderFault.GARBAGE)
    return False, recipients


def _read_channels(
    sections: Sequence[str], faults: list[HeaderFault]
) -> tuple[list[str], list[str]]:
    """Return the channel names and the recipients of the channel sections."""
    names: list[str] = []
    recipients: list[str] = []
    for section in sections:
        recipients += _RECIPIENT.findall(section)
        words = _RECIPIENT.sub(" ", section).split()
        if not words and len(sections) == 1:
            continue
        # Of several sections each must name the channel, or the audience is unknown.
        names.append(words[0] if words else "")
        if any(word not in _CONTENT_TYPES for word in words[1:]):
            faults.append(HeaderFault.GARBAGE)
    if len(sections) > 1:
        faults.append(HeaderFault.GARBAGE)
    return names, recipients


def _channel(names: Sequence[str], faults: list[HeaderFault]) -> Channel | None:
    known = {Channel(name) for name in names if name in set(Channel)}
    if len(names) > 0 and len(known) == len(set(names)) == 1:
        return known.pop()
    faults.append(HeaderFault.UNKNOWN_CHANNEL if names else HeaderFault.MISSING_CHANNEL)
    return None
