"""What the page of an exported record says, from the record alone."""

from collections.abc import Mapping, Sequence

from finsvc.services.dossier.decision import decision_sections
from finsvc.services.dossier.pages import Block, Facts, Page, Section, Text
from finsvc.services.dossier.reading import Json, Prompts, items, mapping, signed_time, text, words

_KINDS = {
    "decision": "Decision",
    "approval": "Approval",
    "report": "Report",
    "completion_intent": "Completion, before it ran",
    "completion": "Completion",
    "replay": "Replay",
    "access": "Access to the log",
    "build": "Build",
}
_OURS = "urn:finsvc:record:"
_ACTORS = ("principal", "approver", "by")
# What other sections show already.
_SHOWN = frozenset(
    {*_ACTORS, "client", "policy", "turns", "choices", "calls", "claims", "packages"}
)
_DETAIL_CHARS_MAX = 4_000


def page_of(line: Json, approvals: Mapping[str, Sequence[Json]], prompts: Prompts) -> Page:
    """The page of an exported line.

    Args:
        line: As `finsvc audit export` writes it.
        approvals: Exported approvals by the decision that they are about.
        prompts: Gives prompts their words.
    """
    content = mapping(line, "content")
    actor = next((mapping(content, name) for name in _ACTORS if name in content), {})
    record_type = text(line, "type")
    kind = record_type.split(":")[3] if record_type.startswith(_OURS) else record_type
    sections = []
    if text(line, "shredded"):
        note = "The content was destroyed in due form. That it was recorded is still proven below."
        sections.append(Section(title="Destroyed", blocks=(Text(text=note),)))
    elif kind in ("decision", "completion"):
        sections.extend(decision_sections(content, approvals.get(text(line, "id"), ()), prompts))
    elif content:
        sections.append(Section(title="Record", blocks=_details(content)))
    return Page(
        index=int(text(line, "index")),
        record_id=text(line, "id"),
        kind=_KINDS.get(kind, kind),
        time=signed_time(line),
        who=text(actor, "id"),
        verdict=text(content, "verdict") or _outcome(content),
        subject=_subject(kind, content),
        sections=(*_head(line, actor, content), *sections, _proof(line)),
    )


def _head(line: Json, actor: Json, content: Json) -> tuple[Section, ...]:
    names = (
        ("Who", "id"),
        ("Roles", "roles"),
        ("Tenant", "tenant"),
        ("On behalf of", "on_behalf_of"),
        ("Session", "session"),
        ("Purpose", "purpose"),
        ("Client", "client"),
        ("Idempotency key", "idempotency_key"),
    )
    rows = [(label, words(actor, name)) for label, name in names]
    rows += [
        ("Request", text(content, "request_id")),
        ("Written", signed_time(line)),
        ("Time of the service", text(content, "time")),
        ("Build", text(content, "build")),
    ]
    return (Section(title="Who and when", blocks=(facts(rows),)),)


def facts(rows: Sequence[tuple[str, str]]) -> Facts:
    """Facts of which something is known."""
    return Facts(rows=tuple(row for row in rows if row[1]))


def _outcome(content: Json) -> str:
    return "" if "ok" not in content else "equal" if content["ok"] is True else "different"


def _subject(kind: str, content: Json) -> str:
    match kind:
        case "approval":
            return f"{text(content, 'decision_id')}: {text(content, 'comment')}"
        case "report":
            return f"{text(content, 'report')} of {text(content, 'book')}"
        case "replay":
            return words(content, "replayed")[:200]
        case "access":
            return text(content, "what")
        case "build":
            return f"{len(items(content, 'packages'))} packages"
    return text(content, "request", "question")


def _details(content: Json) -> tuple[Block, ...]:
    rows = [
        (name.replace("_", " "), text(value)[:_DETAIL_CHARS_MAX])
        for name, value in content.items()
        if name not in _SHOWN
    ]
    packages = [f"{text(one, 'name')} {text(one, 'version')}" for one in items(content, "packages")]
    rows.append(("packages", ", ".join(packages)))
    return (facts(rows),)


def _proof(line: Json) -> Section:
    receipt = mapping(line, "receipt")
    rows = [
        ("Index in the log", text(line, "index")),
        ("Leaf hash", text(receipt, "leaf_hash")),
        ("Proof", f"{len(_list(receipt, 'proof'))} hashes to the root of {_size(receipt)} entries"),
    ]
    how = (
        "This page was made from the line of this index in records.jsonl and proves nothing by "
        "itself. The line holds the signed bytes, this content and the proof; verify.py, which "
        "comes along and needs no network, checks them: "
        "python verify.py receipt records.jsonl --key KEY"
    )
    checkpoint = Text(label="Signed checkpoint", text=text(receipt, "checkpoint"), is_exact=True)
    return Section(title="Proof", blocks=(facts(rows), Text(text=how), checkpoint))


def _list(value: Json, name: str) -> Sequence[object]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _size(receipt: Json) -> str:
    return text(receipt, "tree_size")
