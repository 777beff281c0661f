"""Every known way in which gpt-oss or a server gets harmony wrong, with what must become of it.

The forms are facts collected from the issues named; texts after `<|start|>assistant`, control
tokens spelled out. `price` and `rate` are declared, `{"s":"KO"}` are valid arguments.
"""

from dataclasses import dataclass

from engine.harmony.turn import Repair

ARGUMENTS = '{"s":"KO"}'
_JSON = f" <|constrain|>json<|message|>{ARGUMENTS}<|call|>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A form: `calls` are names, and every call has `ARGUMENTS`."""

    source: str
    text: str
    calls: tuple[str, ...] = ()
    final: str | None = None
    preamble: str | None = None
    analysis: str | None = None
    repairs: tuple[Repair, ...] = ()


CASES = {
    "recipient twice in channel section": Case(
        source="openai-harmony 0.0.8 raises",
        text=f"<|channel|>commentary to=functions.price to=functions.price{_JSON}",
        calls=("price",),
    ),
    "recipient in role and channel section": Case(
        source="openai-harmony 0.0.8 raises",
        text=f" to=functions.price<|channel|>commentary to=functions.price{_JSON}",
        calls=("price",),
        repairs=(Repair.RECIPIENT_IN_ROLE,),
    ),
    "two recipients, one declared": Case(
        source="openai-harmony 0.0.8 raises",
        text=f"<|channel|>commentary to=functions.price to=python{_JSON}",
        calls=("price",),
        repairs=(Repair.RECIPIENT_AMBIGUOUS,),
    ),
    "two declared recipients": Case(
        source="openai-harmony 0.0.8 raises",
        text=f"<|channel|>commentary to=functions.price to=functions.rate{_JSON}",
        repairs=(Repair.RECIPIENT_AMBIGUOUS, Repair.UNKNOWN_TOOL),
    ),
    "text after end without start": Case(
        source="openai-harmony 0.0.8 raises",
        text="<|channel|>analysis<|message|>a<|end|>assistant<|channel|>final<|message|>b<|return|>",
        analysis="a",
        final="b",
        repairs=(Repair.MISSING_START,),
    ),
    "prose after end": Case(
        source="openai-harmony 0.0.8 raises",
        text="<|channel|>final<|message|>b<|end|>And more.<|return|>",
        final="b",
        analysis="And more.",
        repairs=(Repair.MISSING_START, Repair.MISSING_MESSAGE, Repair.MISSING_CHANNEL),
    ),
    "second return": Case(
        source="openai-harmony 0.0.8 raises",
        text="<|channel|>final<|message|>b<|return|><|return|>",
        final="b",
        repairs=(Repair.TRAILING_TOKENS,),
    ),
    "role is a tool name": Case(
        source="openai-harmony 0.0.8 raises Unknown role",
        text="<|channel|>analysis<|message|>a<|end|><|start|>bash<|channel|>commentary"
        "<|message|>ls<|call|>",
        analysis="a",
        repairs=(Repair.FOREIGN_ROLE,),
    ),
    "doubled start and role": Case(
        source="openai-harmony 0.0.8 raises",
        text="<|start|>assistant<|channel|>final<|message|>b<|return|>",
        final="b",
        repairs=(Repair.DOUBLED_START,),
    ),
    "refusal without message token": Case(
        source="openai-harmony 0.0.8 raises when strict",
        text="<|channel|>final I cannot help.<|return|>",
        final="I cannot help.",
        repairs=(Repair.MISSING_MESSAGE,),
    ),
    "bare text": Case(
        source="llama.cpp#25321: HTTP 500",
        text="I cannot help.<|return|>",
        analysis="I cannot help.",
        repairs=(Repair.MISSING_MESSAGE, Repair.MISSING_CHANNEL),
    ),
    "final with question marks": Case(
        source="openai-harmony 0.0.8: recipient `??`",
        text="<|channel|>final ??<|message|>b<|return|>",
        final="b",
        repairs=(Repair.HEADER_GARBAGE,),
    ),
    "channel doubled with question marks": Case(
        source="openai-harmony 0.0.8: channel is garbage",
        text="<|channel|>commentary?commentary?<|message|>b<|return|>",
        analysis="b",
        repairs=(Repair.UNKNOWN_CHANNEL,),
    ),
    "channel behind dashes": Case(
        source="openai-harmony 0.0.8: channel is garbage",
        text=f"<|channel|>\u2013\u2013commentary to=functions.price{_JSON}",
        calls=("price",),
        repairs=(Repair.UNKNOWN_CHANNEL,),
    ),
    "final constrained to response": Case(
        source="openai-harmony 0.0.8: recipient holds a control token",
        text="<|channel|>final <|constrain|>response<|message|>b<|return|>",
        final="b",
        repairs=(Repair.HEADER_GARBAGE,),
    ),
    "final constrained to json": Case(
        source="vLLM#23120: structured answers",
        text="<|channel|>final <|constrain|>json<|message|>{}<|return|>",
        final="{}",
    ),
    "channel twice in one header": Case(
        source="openai-harmony 0.0.8: recipient holds a control token",
        text="<|channel|>commentary to=assistant<|channel|>commentary<|message|>b<|end|>",
        preamble="b",
        repairs=(Repair.HEADER_GARBAGE,),
    ),
    "arguments cut off": Case(
        source="openai-harmony 0.0.8: a complete message at the end of the stream",
        text='<|channel|>commentary to=functions.price <|constrain|>json<|message|>{"s":"K',
        repairs=(Repair.TRUNCATED_ARGUMENTS,),
    ),
    "call on analysis with code": Case(
        source="Dynamo#10366: 47 % of calls are on analysis",
        text=f"<|channel|>analysis to=functions.price code<|message|>{ARGUMENTS}<|call|>",
        calls=("price",),
        repairs=(Repair.CALL_ON_ANALYSIS, Repair.MISSING_CONSTRAIN),
    ),
    "prose to a recipient": Case(
        source="omlx#2032: huge bogus arguments",
        text="<|channel|>analysis to=functions.price<|message|>Let me think about prices.<|end|>",
        repairs=(Repair.INVALID_ARGUMENTS,),
    ),
    "no space before constrain": Case(
        source="xgrammar 0.2.8 allows this form alone",
        text="<|channel|>commentary to=functions.price<|constrain|>json<|message|>"
        f"{ARGUMENTS}<|call|>",
        calls=("price",),
    ),
    "recipient in role section": Case(
        source="docs/format.md: legal",
        text=f" to=functions.price<|channel|>commentary{_JSON}",
        calls=("price",),
        repairs=(Repair.RECIPIENT_IN_ROLE,),
    ),
    "second call cut off": Case(
        source="Dynamo parity table: vLLM leaks its residue into text",
        text="<|channel|>commentary to=functions.price <|constrain|>json<|message|>"
        f"{ARGUMENTS}<|end|><|start|>assistant<|channel|>commentary to=functions.rate "
        '<|constrain|>json<|message|>{"s":',
        calls=("price",),
        repairs=(Repair.CALL_NOT_ENDED_BY_CALL, Repair.TRUNCATED_ARGUMENTS),
    ),
    "bare call token": Case(
        source="Dynamo#9593: SGLang leaks it",
        text="<|call|>",
        repairs=(Repair.MISSING_MESSAGE,),
    ),
    "control spelled in a tool name": Case(
        source="vLLM#32587",
        text=f"<|channel|>commentary to=functions.price<|channel|>commentary{_JSON}",
        calls=("price",),
        repairs=(Repair.HEADER_GARBAGE,),
    ),
    "name without namespace": Case(
        source="SGLang#35299",
        text=f"<|channel|>commentary to=price{_JSON}",
        calls=("price",),
        repairs=(Repair.RECIPIENT_WITHOUT_NAMESPACE,),
    ),
    "undeclared tool": Case(
        source="gpt-oss calls python and browser untold",
        text=f"<|channel|>commentary to=python{_JSON}",
        repairs=(Repair.UNKNOWN_TOOL,),
    ),
    "result written by the model": Case(
        source="vLLM#22519: missing stop tokens",
        text=f"<|channel|>commentary to=functions.price{_JSON}<|start|>functions.price to=assistant"
        "<|channel|>commentary<|message|>5<|end|><|start|>assistant<|channel|>final<|message|>5",
        calls=("price",),
        repairs=(Repair.TRAILING_TOKENS,),
    ),
    "reasoning cut off": Case(
        source="Open WebUI#23343: shown as the answer",
        text="<|channel|>analysis<|message|>The user wants",
        analysis="The user wants",
        repairs=(Repair.TRUNCATED,),
    ),
    "reasoning ended by return": Case(
        source="Open WebUI#16744: shown as the answer",
        text="<|channel|>analysis<|message|>Done.<|return|>",
        analysis="Done.",
    ),
    "final behind reasoning without end": Case(
        source="vLLM#51977: HTTP 500",
        text="<|channel|>analysis<|message|>a<|channel|>final<|message|>b<|return|>",
        analysis="a",
        final="b",
        repairs=(Repair.MISSING_END, Repair.MISSING_START),
    ),
    "start without end": Case(
        source="vLLM#57099",
        text="<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b<|return|>",
        analysis="a",
        final="b",
        repairs=(Repair.MISSING_END,),
    ),
    "message token doubled": Case(
        source="llama.cpp#27720",
        text="<|channel|>final<|message|><|message|>b<|return|>",
        final="b",
        repairs=(Repair.DOUBLED_MESSAGE,),
    ),
    "channel missing": Case(
        source="vLLM#22515",
        text="<|message|>b<|return|>",
        analysis="b",
        repairs=(Repair.MISSING_CHANNEL,),
    ),
    "two answers": Case(
        source="llama.cpp#27720",
        text="<|channel|>final<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b"
        "<|return|>",
        final="a",
        repairs=(Repair.SEVERAL_FINALS,),
    ),
    "user question written by the model": Case(
        source="TensorRT-LLM#10651: missing stop tokens",
        text="<|channel|>final<|message|>a<|end|><|start|>user<|message|>And?<|end|>"
        "<|start|>assistant<|channel|>final<|message|>b<|return|>",
        final="a",
        repairs=(Repair.FOREIGN_ROLE, Repair.TRAILING_TOKENS),
    ),
    "end of text inside": Case(
        source="TensorRT-LLM#9256",
        text="<|channel|>final<|message|>a<|endoftext|>b<|return|>",
        final="ab",
        repairs=(Repair.STRAY_CONTROL,),
    ),
    "nothing": Case(source="max tokens reached", text="", repairs=(Repair.TRUNCATED,)),
}
