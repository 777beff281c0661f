"""How one row shows a tool: its declared name, arguments and result fields."""

import json
from dataclasses import dataclass
from random import Random

from engine.harmony.messages import ToolSpec
from engine.training.dialogues import synonyms
from engine.training.dialogues.catalogue import INTENTS, Argument, Intent, intents_of
from engine.training.dialogues.junk import JUNK
from engine.training.dialogues.names import pick
from engine.training.dialogues.types import Agent

_OPAQUE = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolView:
    """A tool as a row declares it.

    `arguments` are the canonical arguments in declared order, without those that the row drops;
    `argument_names` and `field_names` give the row's names of canonical arguments and fields.
    """

    intent: Intent
    spec: ToolSpec
    arguments: tuple[Argument, ...]
    argument_names: dict[str, str]
    field_names: dict[str, str]
    canonical: bool


def _spec(
    name: str, description: str, arguments: tuple[Argument, ...], labels: dict[str, str]
) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": {labels[argument.name]: {"type": "string"} for argument in arguments},
            "required": [labels[argument.name] for argument in arguments if argument.required],
        },
    )


def canonical_view(intent: Intent) -> ToolView:
    """The tool exactly as the service declares it."""
    labels = {argument.name: argument.name for argument in intent.arguments}
    return ToolView(
        intent=intent,
        spec=_spec(intent.name, intent.description, intent.arguments, labels),
        arguments=intent.arguments,
        argument_names=labels,
        field_names={},
        canonical=True,
    )


_CANONICAL = {name: canonical_view(intent) for name, intent in INTENTS.items()}


def canonical_views(agent: Agent) -> dict[str, ToolView]:
    """The agent's tool list in the service's order."""
    return {name: _CANONICAL[name] for name in intents_of(agent)}


def _camel(text: str) -> str:
    head, *rest = text.split("_")
    return head + "".join(part.title() for part in rest)


def _tool_name(intent: Intent, rng: Random) -> str:
    value = rng.random()
    if value < 0.2:
        return intent.name
    if value < 0.36:
        return "fn_" + "".join(pick(rng, _OPAQUE) for _ in range(2 + int(rng.random() * 3)))
    name = pick(rng, synonyms.TOOL_NAMES.get(intent.name, (intent.name,)))
    value = rng.random()
    if value < 0.2:
        name = pick(rng, synonyms.PREFIXES) + name
    elif value < 0.32:
        name += pick(rng, synonyms.SUFFIXES)
    value = rng.random()
    if value < 0.18:
        return _camel(name)
    return name.upper() if value < 0.21 else name.replace("_", "-") if value < 0.25 else name


def _description(intent: Intent, rng: Random) -> str:
    options = synonyms.DESCRIPTIONS.get(intent.name, ())
    text = intent.description if not options or rng.random() < 0.3 else pick(rng, options)
    return text[:-1] if rng.random() < 0.1 else text


def _labels(arguments: tuple[Argument, ...], rng: Random) -> dict[str, str]:
    labels: dict[str, str] = {}
    is_camel = rng.random() < 0.12
    is_plain = rng.random() < 0.3
    for argument in arguments:
        options = synonyms.ARGUMENT_NAMES.get(argument.name, (argument.name,))
        label = argument.name if is_plain else pick(rng, options)
        if label in labels.values():
            label = argument.name if argument.name not in labels.values() else f"{argument.name}_2"
        labels[argument.name] = _camel(label) if is_camel else label
    return labels


def varied_view(intent: Intent, taken: set[str], rng: Random) -> ToolView:
    """The tool under another name, with other words and sometimes fewer arguments."""
    name = _tool_name(intent, rng)
    while name in taken:
        name = _tool_name(intent, rng) + pick(rng, "23456789")
    taken.add(name)
    drop = 0.0 if rng.random() < 0.5 else 0.3
    kept = [item for item in intent.arguments if item.required or rng.random() >= drop]
    if rng.random() < 0.25:
        rng.shuffle(kept)
    labels = _labels(tuple(kept), rng)
    fields: dict[str, str] = {}
    if rng.random() < 0.7:
        for field in intent.fields:
            label = pick(rng, synonyms.FIELD_NAMES.get(field.name, (field.name,)))
            fields[field.name] = field.name if label in fields.values() else label
        fields["error"] = pick(rng, synonyms.FIELD_NAMES["error"])
    return ToolView(
        intent=intent,
        spec=_spec(name, _description(intent, rng), tuple(kept), labels),
        arguments=tuple(kept),
        argument_names=labels,
        field_names=fields,
        canonical=False,
    )


def varied_views(rng: Random) -> dict[str, ToolView]:
    """A shuffled list of 5 to 18 finance tools with up to 3 others."""
    count = min(18, 5 + int(rng.random() * 11))
    names = rng.sample(list(INTENTS), count)
    if count < 17:
        names += rng.sample(list(JUNK), int(rng.random() * 4))
    rng.shuffle(names)
    taken: set[str] = set()
    return {name: varied_view(INTENTS.get(name) or JUNK[name], taken, rng) for name in names}


def compact_json(value: dict[str, str]) -> str:
    """JSON without spaces, non-ASCII characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
