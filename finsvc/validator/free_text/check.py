"""The verdict on free text: every figure typed, bound to a result or refused, with reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finsvc.domain.claims import TypedClaim
from finsvc.domain.identifiers import CallId
from finsvc.domain.verdicts import Reason, Source, Verdict
from finsvc.validator.free_text.binding import Binding, Flaw, bind_clause
from finsvc.validator.free_text.clauses import Clause, Figure, Reader
from finsvc.validator.free_text.consistency import contradictions
from finsvc.validator.free_text.context import context_flaws, stray_flaws
from finsvc.validator.free_text.evidence import Evidence
from finsvc.validator.free_text.relations import relation_flaws
from finsvc.validator.free_text.vocabulary import stem
from finsvc.validator.tracing import EntityIndex
from finsvc.validator.validate import Confirmation, Finding, worst

_HUMAN = frozenset(
    {
        Reason.AMBIGUOUS,
        Reason.PRECISION_LOST,
        Reason.UNCHECKED_COMPARISON,
        Reason.SECOND_MISSING,
        Reason.SECOND_FAILED,
        Reason.SECOND_DISAGREES,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReport:
    """The verdict on a text, every claim in it and what else was found."""

    verdict: Verdict
    claims: tuple[TypedClaim, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A clause on the result that explains it best."""

    clause: Clause
    bindings: tuple[Binding, ...]
    flaws: tuple[Flaw, ...]


def severity(reason: Reason) -> Verdict:
    """What a reason makes of a claim or text."""
    if reason is Reason.NO_EVIDENCE:
        return Verdict.UNVERIFIED
    return Verdict.NEEDS_HUMAN if reason in _HUMAN else Verdict.ABSTAINED


def _count(bindings: Sequence[Binding], flaws: Sequence[Flaw]) -> int:
    return len(flaws) + sum(len(binding.flaws) for binding in bindings)


def _rank(bindings: Sequence[Binding], flaws: Sequence[Flaw]) -> tuple[int, int]:
    """Fewest flaws first; among equals the result that has the quantity, to tell its value."""
    strangers = [f for b in bindings for f in b.flaws if f.reason is Reason.UNBOUND_NUMBER]
    return _count(bindings, flaws), len(strangers)


def _rivals(judged: _Judged, before: Clause | None, evidence: Sequence[Evidence]) -> list[str]:
    """Other results that the words fit as well, with another value of the same quantity."""
    found = []
    for binding in judged.bindings:
        if not binding.field:
            continue
        value = binding.evidence.field(binding.field).value
        for item in evidence:
            fields = [n for n in item.result.fields if stem(n) == stem(binding.field)]
            is_other = item is not binding.evidence and any(
                item.field(name).value != value for name in fields
            )
            if not is_other:
                continue
            bindings, _ = bind_clause(judged.clause, item)
            is_basis_wrong = any(b.flaws for b in bindings if b.figure.role)
            clauses = [judged.clause] if before is None else [judged.clause, before]
            is_fit = not any(
                complaint for clause in clauses for complaint in context_flaws(clause, item, fields)
            )
            if is_fit and not is_basis_wrong:
                found.append(item.id)
    return found


def _judge(clause: Clause, before: Clause | None, evidence: Sequence[Evidence]) -> _Judged:
    """Judge a clause on the result that leaves the fewest flaws."""
    if not clause.figures:
        strays = stray_flaws(clause, evidence)
        found = tuple(Flaw(reason=reason, detail=detail) for reason, detail in strays)
        return _Judged(clause=clause, bindings=(), flaws=found)
    options = [(item, *bind_clause(clause, item)) for item in evidence]
    _, bindings, flaws = min(options, key=lambda option: _rank(option[1], option[2]))
    judged = _Judged(clause=clause, bindings=tuple(bindings), flaws=tuple(flaws))
    if _count(bindings, flaws) == 0:
        rivals = _rivals(judged, before, evidence)
        if rivals:
            detail = f"'{clause.text.strip()}' may mean {', '.join(sorted(set(rivals)))} as well"
            return _Judged(
                clause=clause,
                bindings=tuple(bindings),
                flaws=(Flaw(reason=Reason.AMBIGUOUS, detail=detail),),
            )
    return judged


def _second_reason(binding: Binding, confirmations: Mapping[str, Confirmation]) -> Reason | None:
    """What the second method says against a bound field."""
    if not binding.field:
        return None
    confirmation = confirmations.get(binding.evidence.id)
    if confirmation is None:
        return Reason.SECOND_MISSING
    if confirmation.failure is not None:
        return Reason.SECOND_FAILED
    check = confirmation.checks.get(binding.field)
    if check is None:
        return Reason.SECOND_MISSING
    return None if check.is_within else Reason.SECOND_DISAGREES


def _quantity(figure: Figure, clause: Clause, field: str) -> str:
    if field or figure.role:
        return field or figure.role
    known = clause.mentions or clause.inherited
    before = [m for m in known if m.span[0] < figure.amount.span[0]]
    mention = before[-1] if before else known[0] if known else None
    return "" if mention is None else "/".join(sorted(mention.fields))


def _claim(
    figure: Figure, clause: Clause, binding: Binding | None, flaws: Sequence[Flaw]
) -> TypedClaim:
    amount = figure.amount
    field = "" if binding is None else binding.field
    verdicts = [severity(flaw.reason) for flaw in flaws]
    if not flaws and binding is not None and binding.is_rounded:
        verdicts = [Verdict.VERIFIED_ROUNDED]
    source = None
    if binding is not None and field:
        source = Source(call=CallId(binding.evidence.id), field=field)
    is_money = len(amount.unit) == 3 and amount.unit.isupper()
    return TypedClaim(
        text=amount.text,
        span=amount.span,
        value=amount.value,
        half_place=amount.half_place,
        unit=amount.unit or "1",
        currency=amount.unit if is_money else "",
        scale=amount.scale,
        quantity=_quantity(figure, clause, field),
        entity=", ".join(dict.fromkeys(entity.code for entity in clause.entities)),
        period=", ".join(_part(clause, day.span) for day in clause.days),
        basis=", ".join(f.amount.text for f in clause.figures if f.role),
        source=source,
        verdict=worst(verdicts),
        reasons=tuple(dict.fromkeys(flaw.reason for flaw in flaws)),
        details=tuple(dict.fromkeys(flaw.detail for flaw in flaws if flaw.detail)),
    )


def _part(clause: Clause, span: tuple[int, int]) -> str:
    return clause.text[span[0] - clause.span[0] : span[1] - clause.span[0]]


def _unsupported(clause: Clause) -> list[TypedClaim]:
    """Claims of a clause when there is no result at all."""
    flaw = Flaw(reason=Reason.NO_EVIDENCE, detail="no result was given to check this against")
    return [_claim(figure, clause, None, (flaw,)) for figure in clause.figures]


class TextCheck:
    """Checks texts against results; one instance for one set of results."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        *,
        index: EntityIndex,
        confirmations: Mapping[str, Confirmation],
    ) -> None:
        """Take the results.

        Args:
            evidence: The results.
            index: Knows the names of instruments, currencies and books.
            confirmations: What second methods say, by the evidence's identifier; a result without
                one is unconfirmed.
        """
        self._evidence = tuple(evidence)
        self._reader = Reader(self._evidence, index)
        self._confirmations = confirmations

    def __call__(self, text: str) -> TextReport:
        """Judge a text. Whatever number could not be read makes it unfit to leave."""
        reading = self._reader.read(text)
        claims: list[TypedClaim] = []
        flaws = [Flaw(reason=Reason.UNBOUND_NUMBER, detail=item) for item in reading.unread]
        for sentence in reading.sentences:
            if not self._evidence:
                claims += [claim for clause in sentence for claim in _unsupported(clause)]
                continue
            found, problems = self._sentence(sentence)
            claims += found
            flaws += problems
        flaws += [
            Flaw(reason=Reason.INCONSISTENT, detail=detail)
            for detail in contradictions(text, claims)
        ]
        findings = tuple(Finding(reason=flaw.reason, detail=flaw.detail) for flaw in flaws)
        verdicts = [claim.verdict for claim in claims] + [severity(f.reason) for f in flaws]
        return TextReport(verdict=worst(verdicts), claims=tuple(claims), findings=findings)

    def _sentence(self, sentence: Sequence[Clause]) -> tuple[list[TypedClaim], list[Flaw]]:
        claims: list[TypedClaim] = []
        flaws: list[Flaw] = []
        bindings: list[Binding] = []
        before: Clause | None = None
        for clause in sentence:
            judged = _judge(clause, before, self._evidence)
            bindings += judged.bindings
            flaws += judged.flaws
            claims += [self._typed(binding, judged) for binding in judged.bindings]
            before = clause
        unnamed = [b.field for b in bindings if b.field and not any(c.mentions for c in sentence)]
        if len(set(unnamed)) < len(unnamed):
            flaws.append(Flaw(reason=Reason.AMBIGUOUS, detail="one figure stands for two"))
        return claims, [*flaws, *relation_flaws(sentence, bindings, self._evidence)]

    def _typed(self, binding: Binding, judged: _Judged) -> TypedClaim:
        flaws = [*binding.flaws, *judged.flaws]
        second = _second_reason(binding, self._confirmations)
        if second is not None:
            detail = f"{binding.evidence.id}.{binding.field} was not confirmed by a second method"
            flaws.append(Flaw(reason=second, detail=detail))
        return _claim(binding.figure, judged.clause, binding, flaws)
