"""Rows of training dialogues as a pure function of (seed, index)."""

from collections.abc import Mapping
from hashlib import blake2b
from random import Random

from engine.training.dialogues import dates, external, noise, out_of_scope, results
from engine.training.dialogues.asks import ask
from engine.training.dialogues.catalogue import ASK_BACK, FINAL_DECLINE, INTENTS
from engine.training.dialogues.clauses import (
    PHRASES,
    SUBJECTS,
    base_clause,
    dress,
    keys_by_argument,
    noun_question,
    question,
)
from engine.training.dialogues.drafts import Call, Draft, fill
from engine.training.dialogues.grammar import Piece, expand, lines
from engine.training.dialogues.junk import JUNK, JUNK_CLAUSES
from engine.training.dialogues.names import name as invented_name
from engine.training.dialogues.names import pick
from engine.training.dialogues.several import several
from engine.training.dialogues.types import INSTRUCTIONS, Agent, Dialogue, Kind, Row, Step
from engine.training.dialogues.views import ToolView, canonical_views, varied_views

_CANONICAL_SHARE = 0.38
_LINES_SHARE = 0.15
_ERROR_SHARE = 0.06
# Shares of the kinds, in the order of their cumulative bounds.
_KINDS = (
    (0.60, Kind.ONE_CALL),
    (0.77, Kind.SEVERAL_CALLS),
    (0.86, Kind.OUT_OF_SCOPE),
    (0.91, Kind.ABSENT_TOOL),
    (1.00, Kind.ASK_BACK),
)
_AGENTS = (Agent.AUTO, Agent.AUTO, Agent.RISK, Agent.MARKET, Agent.COMPLIANCE)
_FAVOURED = (
    "value_at_risk",
    "expected_shortfall",
    "stress_test",
    "convert_currency",
    "fx_rate",
    "limit_check",
)
# Words of a declined text that would call a tool for which the row has one.
_JUNK_WORDS: dict[str, tuple[str, ...]] = {
    "weather": ("weather", "temperature", "forecast", "rain", "warm", "umbrella"),
    "calendar": ("meeting", "schedul", "calendar", "arrange"),
    "leave_balance": ("leave", "holiday", "vacation"),
    "phone_directory": ("phone", "call", "number", "ring", "reach", "contact"),
    "news_search": ("news", "headline", "papers", "articles", "say"),
    "translate": ("translat", "say", "into", "french", "german"),
    "headcount": ("headcount", "employee", "people", "staff", "how big"),
    "meeting_room": ("room", "book a", "reserve"),
    "office_supplies": ("stock", "order", "buy"),
    "credit_rating": ("rating", "rated", "investment grade"),
    "dividend": ("dividend", "pay"),
    "company_profile": (
        "ceo",
        "cfo",
        "chair",
        "chief",
        "based",
        "headquarter",
        "profile",
        "about",
        "does",
        "who",
        "founder",
    ),
    "bond_yield": ("yield", "bond"),
    "open_tickets": ("ticket", "broken"),
}
_VAGUE_BOOK = (
    "my book",
    "the book",
    "our book",
    "the portfolio",
    "it",
    "this book",
    "my portfolio",
    "us",
)


def _random(*parts: object) -> Random:
    """A random source that depends on the parts alone, on every platform."""
    digest = blake2b(":".join(map(str, parts)).encode(), digest_size=16).digest()
    return Random(int.from_bytes(digest, "big"))  # noqa: S311 - training data, no secret


def _value_of_lines(rng: Random) -> dict[str, str]:
    """The book and date that the caller fixed, by argument."""
    if rng.random() >= _LINES_SHARE:
        return {}
    fixed: dict[str, str] = {}
    value = rng.random()
    if value < 0.8:
        fixed["portfolio"] = (
            pick(rng, ("sample", "sample book")) if rng.random() < 0.15 else invented_name(rng)
        )
    if value > 0.5:
        fixed["as_of"] = dates.line_date(rng)
    return fixed


def _with_lines(text: str, fixed: dict[str, str]) -> str:
    if "portfolio" in fixed:
        text += f"\nBook: {fixed['portfolio']}"
    if "as_of" in fixed:
        text += f"\nAs of: {fixed['as_of']}"
    return text


class _Writer:
    """Writes the dialogues of one row."""

    def __init__(self, views: dict[str, ToolView], rng: Random) -> None:
        self._views = views
        self._rng = rng
        self._finance = [name for name in views if name in INTENTS]
        self._absent = [name for name in INTENTS if name not in views]
        self._junk = [name for name in views if name in JUNK]

    def write(self) -> Dialogue:
        """One dialogue of a random kind."""
        value = self._rng.random()
        kind = next(kind for bound, kind in _KINDS if value < bound)
        fixed = _value_of_lines(self._rng)
        if kind is Kind.SEVERAL_CALLS:
            return self._several_calls(fixed)
        if kind is Kind.ONE_CALL:
            return self._one_call(fixed)
        if kind is Kind.ABSENT_TOOL and self._absent:
            intent = pick(self._rng, self._absent)
            draft = self._filled(question(intent, self._rng), [])
            return self._spoken(draft, fixed, FINAL_DECLINE, kind=kind, intents=(intent,))
        if kind is Kind.ASK_BACK:
            return self._ask_back(fixed)
        return self._out_of_scope(fixed)

    def _filled(self, pieces: list[Piece], calls: list[Call]) -> Draft:
        segments = noise.apply(fill(pieces, self._rng), self._rng)
        return Draft(segments, calls)

    def _intent(self) -> str:
        if self._junk and self._rng.random() < 0.12:
            return pick(self._rng, self._junk)
        favoured = [name for name in _FAVOURED if name in self._views]
        if favoured and self._rng.random() < 0.2:
            return pick(self._rng, favoured)
        return pick(self._rng, self._finance)

    def _one_call(self, fixed: dict[str, str]) -> Dialogue:
        intent = self._intent()
        if (
            "portfolio" in fixed
            and SUBJECTS.get(intent) == "portfolio"
            and self._rng.random() < 0.7
        ):
            pieces = self._without_book(intent)
        else:
            pieces = question(intent, self._rng)
        call = Call(intent, keys_by_argument(pieces))
        return self._called(self._filled(pieces, [call]), fixed, Kind.ONE_CALL)

    def _several_calls(self, fixed: dict[str, str]) -> Dialogue:
        while True:
            pieces, calls = several(self._finance, self._rng)
            draft = self._called(self._filled(pieces, calls), fixed, Kind.SEVERAL_CALLS)
            # Calls that differ only in an argument that the row dropped would be equal.
            if len({(step.tool, step.arguments) for step in draft.steps}) == len(calls):
                return draft

    def _without_book(self, intent: str) -> list[Piece]:
        """A question that leaves the book to the line below it."""
        if self._rng.random() < 0.5:
            pieces = expand(pick(self._rng, PHRASES[intent].bare), self._rng)
            while not _holds_required(intent, pieces):
                pieces = expand(pick(self._rng, PHRASES[intent].bare), self._rng)
            return dress(noun_question(pieces, self._rng), self._rng)
        pieces = base_clause(intent, self._rng)
        result: list[Piece] = []
        for idx, piece in enumerate(pieces):
            if piece.slot is None or not piece.slot.startswith("portfolio"):
                result.append(piece)
                continue
            text = pick(self._rng, _VAGUE_BOOK)
            before = pieces[idx - 1].text if idx else ""
            if before.endswith(("the ", "my ", "our ")):
                text = "book"
            result.append(Piece(text))
        return dress(result, self._rng)

    def _called(self, draft: Draft, fixed: dict[str, str], kind: Kind) -> Dialogue:
        spans = draft.spans()
        steps: list[Step] = []
        sentences: list[str] = []
        for number, call in enumerate(draft.calls, 1):
            view = self._views[call.intent]
            values = {name: spans[key] for name, key in call.keys.items()}
            values = {**fixed, **values}
            arguments = tuple(
                (view.argument_names[item.name], values[item.name])
                for item in view.arguments
                if item.name in values
            )
            if self._rng.random() < _ERROR_SHARE:
                result, sentence = results.error(view, number, self._rng)
            else:
                result, sentence = results.result(view, number, values, self._rng)
            steps.append(Step(tool=view.spec.name, arguments=arguments, result=result))
            sentences.append(sentence)
        return Dialogue(
            user=_with_lines(draft.text(), fixed),
            steps=tuple(steps),
            final=" ".join(sentences),
            kind=kind,
            intents=tuple(call.intent for call in draft.calls),
        )

    def _spoken(
        self,
        draft: Draft,
        fixed: dict[str, str],
        final: str,
        *,
        kind: Kind,
        intents: tuple[str, ...],
    ) -> Dialogue:
        return Dialogue(
            user=_with_lines(draft.text(), fixed), steps=(), final=final, kind=kind, intents=intents
        )

    def _ask_back(self, fixed: dict[str, str]) -> Dialogue:
        while True:
            intent, pieces = ask(self._finance, self._rng)
            held = {**fixed, **keys_by_argument(pieces)}
            missing = [
                item.name
                for item in self._views[intent].arguments
                if item.required and item.name not in held
            ]
            if missing:
                draft = self._filled(pieces, [])
                final = ASK_BACK[missing[0]]
                return self._spoken(draft, fixed, final, kind=Kind.ASK_BACK, intents=(intent,))
            fixed = {key: value for key, value in fixed.items() if key != "portfolio"}

    def _out_of_scope(self, fixed: dict[str, str]) -> Dialogue:
        while True:
            draft = self._filled(self._foreign(), [])
            lowered = draft.text().lower()
            words = [word for name in self._junk for word in _JUNK_WORDS[name]]
            if not any(word in lowered for word in words):
                return self._spoken(draft, fixed, FINAL_DECLINE, kind=Kind.OUT_OF_SCOPE, intents=())

    def _foreign(self) -> list[Piece]:
        rng = self._rng
        value = rng.random()
        declines = external.tables().declines
        if declines and value < 0.4:
            return expand(pick(rng, declines), rng)
        if value < 0.62:
            return dress(expand(pick(rng, out_of_scope.SENTENCES), rng), rng)
        if value < 0.78:
            return dress(_foreign_figure(rng), rng)
        if value < 0.88:
            absent = [name for name in JUNK if name not in self._junk]
            return dress(expand(pick(rng, JUNK_CLAUSES[pick(rng, absent)]), rng), rng)
        return expand(pick(rng, out_of_scope.MESSAGES), rng)


_FOREIGN_FRAMES = lines("""
the @ of {portfolio}
the @ of {instrument}
the @ of {instrument}
the @ of {company}
{instrument} @
{instrument}'s @
{portfolio}'s @
{portfolio} @
@ of {instrument} as of {as_of}
@ of {portfolio} as of {as_of}
@ {instrument}
@ {portfolio:book}
the @ of {place}
{company}'s @
the {as_of} @ of {instrument}
the @ of {instrument} since {start}
the @ of {portfolio} over {horizon:noun}
the @ of a {option_type} on {underlying}
the @ between {first} and {second}
the @ of {pair}
""")


def _foreign_figure(rng: Random) -> list[Piece]:
    """A figure that no tool computes, asked for as supported ones are."""
    figure = pick(rng, out_of_scope.FIGURES)
    template = pick(rng, _FOREIGN_FRAMES).replace("@", figure)
    return noun_question(expand(template, rng), rng)


def _holds_required(intent: str, pieces: list[Piece]) -> bool:
    held = keys_by_argument(pieces)
    return all(
        item.name in held or item.name == "portfolio"
        for item in INTENTS[intent].arguments
        if item.required
    )


def _row(views: Mapping[str, ToolView], rng: Random, num_dialogues: int) -> Row:
    writer = _Writer(dict(views), rng)
    return Row(
        tools=tuple(view.spec for view in views.values()),
        instructions=INSTRUCTIONS,
        dialogues=tuple(writer.write() for _ in range(num_dialogues)),
    )


def row(seed: int, index: int, *, num_dialogues: int = 24) -> Row:
    """Row `index` of the stream of `seed`: a tool list and dialogues about it.

    A smaller `num_dialogues` gives a prefix of the same dialogues. A third and more of the rows
    show a canonical list of the service.
    """
    rng = _random("row", seed, index)
    if rng.random() < _CANONICAL_SHARE:
        views = canonical_views(pick(rng, _AGENTS))
    else:
        views = varied_views(rng)
    return _row(views, rng, num_dialogues)


def canonical_row(seed: int, index: int, agent: Agent, *, num_dialogues: int = 24) -> Row:
    """As `row`, with exactly the tool list that the service shows for the agent."""
    rng = _random("canonical", agent.value, seed, index)
    return _row(canonical_views(agent), rng, num_dialogues)
