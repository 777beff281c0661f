"""Sections of a decision's page: what was asked and answered, from what, by whose leave."""

from collections.abc import Sequence

from finsvc.services.dossier.pages import Block, Facts, Section, Table, Text
from finsvc.services.dossier.reading import Json, Prompts, items, mapping, member, text, words

_INPUTS_CHARS_MAX = 2_000


def decision_sections(
    content: Json, approvals: Sequence[Json], prompts: Prompts
) -> tuple[Section, ...]:
    """The sections of a decision or a completion."""
    found = [
        _question(content),
        _answer(content),
        _claims(content),
        *_calls(content),
        _policy(content),
        _approvals(content, approvals),
        _model(content),
        *_turns(content, prompts),
    ]
    return tuple(section for section in found if section is not None)


def _facts(*rows: tuple[str, str]) -> Facts:
    return Facts(rows=tuple(row for row in rows if row[1]))


def _question(content: Json) -> Section | None:
    asked = mapping(content, "request")
    if not asked:
        return None
    said = Text(text=text(asked, "question"))
    limits = _facts(
        ("Agent", text(asked, "agent")),
        ("Book", text(asked, "book")),
        ("As of", text(asked, "as_of")),
    )
    return Section(title="Question", blocks=(said, limits))


def _answer(content: Json) -> Section:
    choices = [Text(text=text(item, "content")) for item in items(content, "choices")]
    said = choices or [Text(text=text(content, "answer") or "No answer.")]
    held = "yes: it left only after approval" if content.get("held") is True else ""
    reasons = "; ".join(
        f"{text(item, 'reason')}: {text(item, 'detail')}" for item in items(content, "reasons")
    )
    rows = _facts(("Verdict", text(content, "verdict")), ("Held", held), ("Reasons", reasons))
    return Section(title="Answer", blocks=(rows, *said))


def _claims(content: Json) -> Section | None:
    rows = tuple(
        (
            text(claim, "text"),
            f"{text(claim, 'value')} {text(claim, 'unit')}",
            f"{text(claim, 'source', 'call')}.{text(claim, 'source', 'field')}",
            f"{text(claim, 'second', 'value')} by {text(claim, 'second', 'method')}"
            if member(claim, "second")
            else "none",
            " ".join((text(claim, "verdict"), words(claim, "reasons"))).strip(),
        )
        for claim in items(content, "claims")
    )
    if not rows:
        return None
    head = ("As printed", "Value", "Source", "Second method", "Verdict")
    return Section(title="Figures", blocks=(Table(head=head, weights=(3, 4, 2, 5, 3), rows=rows),))


def _calls(content: Json) -> list[Section]:
    return [_call(call) for call in items(content, "calls")]


def _call(call: Json) -> Section:
    result = mapping(call, "result")
    said = ", ".join(
        f"{name} = {text(value)}" for name, value in mapping(call, "arguments").items()
    )
    blocks: list[Block] = [
        _facts(
            ("Said by the model", said),
            ("Calculator", f"{text(call, 'calculator')} {text(result, 'version')}".strip()),
            ("Code", text(call, "calculator_digest")),
            ("Method", text(result, "method")),
            ("As of", text(result, "as_of")),
            ("Data snapshot", text(result, "data_snapshot")),
            ("Inputs digest", text(result, "inputs_digest")),
            ("Defaults", words(call, "defaults")),
            ("Permission", _decided(mapping(call, "policy"))),
            ("Error", text(call, "error", "message")),
        ),
        Text(label="Inputs", text=_shortened(text(call, "inputs")), is_exact=True, is_long=True),
    ]
    rows = tuple(
        (name, text(field, "value"), text(field, "unit"))
        for name, field in mapping(result, "fields").items()
    )
    if rows:
        blocks.append(Table(head=("Result", "Value", "Unit"), weights=(3, 4, 2), rows=rows))
    return Section(
        title=f"Tool call {text(call, 'id')}: {text(call, 'name')}", blocks=tuple(blocks)
    )


def _shortened(inputs: str) -> str:
    if len(inputs) <= _INPUTS_CHARS_MAX:
        return inputs
    return f"{inputs[:_INPUTS_CHARS_MAX]}… ({len(inputs)} characters, all in records.jsonl)"


def _decided(outcome: Json) -> str:
    if not outcome:
        return ""
    return f"{text(outcome, 'decision')} by {words(outcome, 'determining') or 'no policy'}"


def _policy(content: Json) -> Section | None:
    rows = tuple(
        (
            text(outcome, "request", "action"),
            f"{text(outcome, 'request', 'resource', 'type')} "
            f"{text(outcome, 'request', 'resource', 'id')}",
            text(outcome, "decision"),
            ", ".join(
                part for part in (words(outcome, "determining"), words(outcome, "errors")) if part
            ),
        )
        for outcome in items(content, "policy")
    )
    if not rows:
        return None
    bundles = {text(outcome, "bundle") for outcome in items(content, "policy")}
    head = ("Action", "On", "Decision", "Because of")
    return Section(
        title="Policy",
        blocks=(
            Table(head=head, weights=(2, 5, 2, 5), rows=rows),
            _facts(("Bundle", ", ".join(sorted(bundles)))),
        ),
    )


def _approvals(content: Json, approvals: Sequence[Json]) -> Section | None:
    if content.get("held") is not True and not approvals:
        return None
    if not approvals:
        return Section(
            title="Approval", blocks=(Text(text="Nobody had decided about it in these records."),)
        )
    rows = tuple(
        (
            text(line, "index"),
            text(line, "content", "time"),
            text(line, "content", "approver", "id"),
            text(line, "content", "verdict"),
            text(line, "content", "comment"),
        )
        for line in approvals
    )
    head = ("Record", "Time", "Who", "Decision", "Comment")
    return Section(title="Approval", blocks=(Table(head=head, weights=(1, 4, 2, 2, 5), rows=rows),))


def _model(content: Json) -> Section | None:
    model = mapping(content, "model")
    if not model:
        return None
    manifest = mapping(model, "manifest")
    device = mapping(manifest, "device")
    machine = " ".join(text(device, name) for name in ("kind", "machine", "instruction_set"))
    return Section(
        title="Model",
        blocks=(
            _facts(
                ("Name", text(model, "name")),
                ("Fingerprint", text(model, "fingerprint")),
                ("Weights", text(manifest, "weights_digest")),
                ("Tokenizer", text(manifest, "tokenizer_digest")),
                ("Configuration", text(manifest, "config_digest")),
                ("Build of the kernels", text(manifest, "code_digest")),
                (
                    "Machine",
                    f"{machine}, {text(device, 'torch')}, {text(device, 'num_threads')} threads",
                ),
                ("Numbers", text(manifest, "dtype")),
            ),
        ),
    )


def _turns(content: Json, prompts: Prompts) -> list[Section]:
    manifest = mapping(content, "model", "manifest")
    sections, before = [], list[object]()
    for number, turn in enumerate(items(content, "turns"), 1):
        prompt, sampled = _ids(turn, "prompt_ids"), _ids(turn, "token_ids")
        shared = len(before) if prompt[: len(before)] == before else 0
        added = prompts(manifest, prompt[shared:])
        said = prompts(manifest, sampled)
        label = "Prompt" if not shared else f"Added to the {shared} tokens before"
        sampling = mapping(turn, "sampling")
        sections.append(
            Section(
                title=f"Turn {number} of the model",
                blocks=(
                    _facts(
                        ("Prompt", f"{len(prompt)} tokens"),
                        (
                            "Sampled",
                            f"{len(sampled)} tokens, ended by {text(turn, 'finish_reason')}",
                        ),
                        (
                            "Sampling",
                            f"temperature {text(sampling, 'temperature')}, top-p "
                            f"{text(sampling, 'top_p')}, seed {text(sampling, 'seed')}",
                        ),
                        ("Logits digest", text(turn, "logit_digest")),
                    ),
                    Text(
                        label=label,
                        text=_or_ids(added, prompt[shared:]),
                        is_exact=True,
                        is_long=True,
                    ),
                    Text(label="Sampled", text=_or_ids(said, sampled), is_exact=True),
                ),
            )
        )
        before = prompt
    return sections


def _ids(turn: Json, name: str) -> list[object]:
    found = turn.get(name)
    return found if isinstance(found, list) else []


def _or_ids(words_of: str | None, ids: Sequence[object]) -> str:
    """The words, or the token ids where the vocabulary is not here."""
    return " ".join(map(str, ids)) if words_of is None else words_of
