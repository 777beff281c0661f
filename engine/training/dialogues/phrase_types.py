"""The phrase tables of one intent."""

from dataclasses import dataclass

from engine.training.dialogues.grammar import lines


@dataclass(frozen=True, slots=True)
class Phrases:
    """Templates of one intent.

    `nouns` are noun phrases with the subject slot, `bare` the same without it, `clauses` complete
    questions, imperatives and statements, `functions` names for function-call style,
    `heads` short nouns that can be joined ("VaR and ES of ...").
    """

    subject: str
    nouns: tuple[str, ...]
    bare: tuple[str, ...]
    clauses: tuple[str, ...]
    functions: tuple[str, ...]
    heads: tuple[str, ...] = ()


def phrases(subject: str, **tables: str) -> Phrases:
    """Phrases from compact string tables."""
    return Phrases(
        subject=subject,
        nouns=lines(tables["nouns"]),
        bare=lines(tables["bare"]),
        clauses=lines(tables["clauses"]),
        functions=tuple(tables["functions"].split()),
        heads=lines(tables.get("heads", "")),
    )
