"""Conversations as harmony token ids.

Owns the layout of messages. Control tokens are put in by id and every text is encoded apart with
special tokens off, so no text of a user, tool or developer can become a control token.
A call names its recipient in the channel section, where gpt-oss writes it, so that a prompt built
from history continues the generated ids exactly. Analysis of an answered turn is dropped
(docs/format.md; openai-harmony 0.0.8 drops only that before the first answer).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.harmony.messages import (
    FUNCTIONS_NAMESPACE,
    Channel,
    ControlToken,
    Conversation,
    DeveloperPrompt,
    Message,
    Role,
    SystemPrompt,
    ToolSpec,
)
from engine.harmony.typescript import typescript_type
from engine.tokenizer import Tokenizer

Piece = ControlToken | str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedDialogue:
    """Messages as token ids for training.

    Attributes:
        token_ids: The ids.
        is_assistant: For each id whether the model has to produce it: everything from the channel
            token of an assistant message to its stop token, and the header that links two
            assistant messages of one turn. The `<|end|>` that stands for `<|return|>` in an
            earlier turn is not, since the model must not learn to end an answer with it.
    """

    token_ids: tuple[int, ...]
    is_assistant: tuple[bool, ...]


def render_conversation(
    conversation: Conversation, tokenizer: Tokenizer, *, for_completion: bool = True
) -> list[int]:
    """Return the prompt ids of a conversation.

    Args:
        conversation: What was said so far.
        tokenizer: Of the model that continues it.
        for_completion: Whether to end with `<|start|>assistant`, where generation begins.
    """
    return _encode(_conversation_pieces(conversation, for_completion=for_completion), tokenizer)


def render_text(conversation: Conversation, *, for_completion: bool = True) -> str:
    """Return the prompt with control tokens spelled out: for tests and people, never to encode."""
    pieces = _conversation_pieces(conversation, for_completion=for_completion)
    return "".join(p.value if isinstance(p, ControlToken) else p for p in pieces)


def render_prefix(
    system: SystemPrompt, developer: DeveloperPrompt | None, tokenizer: Tokenizer
) -> list[int]:
    """Return the ids of the system and developer messages, the part that many prompts share."""
    return _encode(_prefix_pieces(system, developer), tokenizer)


def render_dialogue(messages: Sequence[Message], tokenizer: Tokenizer) -> RenderedDialogue:
    """Return the ids that follow a prefix, with the model's own tokens marked.

    A last message on the final channel ends with `<|return|>`, as the model has to write it.
    Analysis is kept: training decides itself what the model saw.
    """
    token_ids: list[int] = []
    is_assistant: list[bool] = []
    previous: Message | None = None
    for position, message in enumerate(messages):
        is_last = position == len(messages) - 1
        for index, piece in enumerate(_message_pieces(message, is_terminal=is_last)):
            piece_ids = _encode([piece], tokenizer)
            is_own = _is_generated(message, previous, index)
            if is_own and piece is ControlToken.END and message.channel is Channel.FINAL:
                is_own = False
            token_ids += piece_ids
            is_assistant += [is_own] * len(piece_ids)
        previous = message
    return RenderedDialogue(token_ids=tuple(token_ids), is_assistant=tuple(is_assistant))


def tools_section(tools: Sequence[ToolSpec]) -> str:
    """Return the `# Tools` section that declares functions."""
    blocks = [f"# Tools\n\n## {FUNCTIONS_NAMESPACE}\n\nnamespace {FUNCTIONS_NAMESPACE} {{\n"]
    for tool in tools:
        # Only line feeds end a comment line, as in the reference renderer.
        comment_lines = tool.description.removesuffix("\n").split("\n") if tool.description else []
        blocks += [f"// {line.removesuffix(chr(13))}" for line in comment_lines]
        argument = f"_: {typescript_type(tool.parameters)}" if tool.parameters is not None else ""
        blocks.append(f"type {tool.name} = ({argument}) => any;\n")
    blocks.append(f"}} // namespace {FUNCTIONS_NAMESPACE}")
    return "\n".join(blocks)


def _is_generated(message: Message, previous: Message | None, index: int) -> bool:
    if message.role is not Role.ASSISTANT:
        return False
    # The first two pieces are `<|start|>` and `assistant`: part of the prompt at the begin of a
    # turn, written by the model after a message of its own that did not end the turn.
    follows_own = (
        previous is not None
        and previous.role is Role.ASSISTANT
        and previous.channel is not Channel.FINAL
        and not previous.is_call
    )
    return index >= 2 or follows_own


def _conversation_pieces(conversation: Conversation, *, for_completion: bool) -> Iterator[Piece]:
    yield from _prefix_pieces(conversation.system, conversation.developer)
    for message in _without_old_analysis(conversation.messages):
        yield from _message_pieces(message, is_terminal=False)
    if for_completion:
        yield ControlToken.START
        yield Role.ASSISTANT.value


def _without_old_analysis(messages: Sequence[Message]) -> list[Message]:
    answered = max(
        (i for i, message in enumerate(messages) if message.channel is Channel.FINAL), default=-1
    )
    return [
        message
        for i, message in enumerate(messages)
        if i > answered or message.channel is not Channel.ANALYSIS
    ]


def _prefix_pieces(system: SystemPrompt, developer: DeveloperPrompt | None) -> Iterator[Piece]:
    has_tools = developer is not None and bool(developer.tools)
    yield from _plain(Role.SYSTEM, _system_text(system, has_tools=has_tools))
    if developer is not None:
        yield from _plain(Role.DEVELOPER, _developer_text(developer))


def _plain(role: Role, content: str) -> Iterator[Piece]:
    yield from (ControlToken.START, role.value, ControlToken.MESSAGE, content, ControlToken.END)


def _message_pieces(message: Message, *, is_terminal: bool) -> Iterator[Piece]:
    yield ControlToken.START
    if message.role is Role.TOOL:
        yield f"{FUNCTIONS_NAMESPACE}.{message.tool_name} to={Role.ASSISTANT.value}"
    else:
        yield message.role.value
    if message.channel is not None:
        yield ControlToken.CHANNEL
        if message.is_call:
            yield f"{message.channel.value} to={FUNCTIONS_NAMESPACE}.{message.tool_name} "
            yield ControlToken.CONSTRAIN
            yield "json"
        else:
            yield message.channel.value
    yield ControlToken.MESSAGE
    yield message.content
    if message.is_call:
        yield ControlToken.CALL
    elif is_terminal and message.channel is Channel.FINAL:
        yield ControlToken.RETURN
    else:
        yield ControlToken.END


def _system_text(system: SystemPrompt, *, has_tools: bool) -> str:
    head = [system.identity, f"Knowledge cutoff: {system.knowledge_cutoff}"]
    if system.current_date is not None:
        head.append(f"Current date: {system.current_date}")
    channels = ", ".join(channel.value for channel in system.channels)
    tail = f"# Valid channels: {channels}. Channel must be included for every message."
    if has_tools:
        tail += (
            f"\nCalls to these tools must go to the commentary channel: '{FUNCTIONS_NAMESPACE}'."
        )
    return "\n\n".join(["\n".join(head), f"Reasoning: {system.effort.value}", tail])


def _developer_text(developer: DeveloperPrompt) -> str:
    sections: list[str] = []
    if developer.instructions is not None:
        sections += ["# Instructions", developer.instructions]
    if developer.tools:
        sections.append(tools_section(developer.tools))
    return "\n\n".join(sections)


def _encode(pieces: Sequence[Piece] | Iterator[Piece], tokenizer: Tokenizer) -> list[int]:
    token_ids: list[int] = []
    for piece in pieces:
        if isinstance(piece, ControlToken):
            token_ids.append(tokenizer.special_id(piece.value))
        else:
            token_ids += tokenizer.encode(piece)
    return token_ids
