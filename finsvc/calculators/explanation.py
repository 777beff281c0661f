"""Why two runs of a calculator differ: the effect of every input that changed, as a tree.

The documents of both runs are compared leaf by leaf; positions are matched by what they are, so
that a quantity, a new or a closed position is one change. An input's effect is the mean of what it
does alone on the first inputs and last on the second ones: for two changes that is Shapley's value.
What the effects leave over is shown as interaction, so that children always add up to their parent.
A change that cannot be made alone (two inputs that must fit) has no effect of its own and counts
there too.

Both runs use one snapshot. Amounts are differences of 12-digit results, second minus first, in the
field's unit.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from finsvc.calculators.calculator import Calculator
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.results import Quantity

CHANGES_MAX = 100
"""Changes of one explanation: each costs two runs of the calculator."""

Path = tuple[str, ...]

_SIZES = ("quantity", "amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One node: ``effect`` is None where the change cannot be made alone.

    ``before`` and ``after`` are the input's JSON text, "" where it is absent or for inner nodes.
    """

    path: str
    effect: Decimal | None
    before: str
    after: str
    causes: tuple["Cause", ...] = ()

    def document(self) -> dict[str, object]:
        """JSON form."""
        return {
            "input": self.path,
            "effect": None if self.effect is None else f"{self.effect:f}",
            "before": self.before,
            "after": self.after,
            "causes": [cause.document() for cause in self.causes],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Values of one field in both runs and the tree of causes of their difference."""

    calculator: str
    field: str
    before: Quantity
    after: Quantity
    interaction: Decimal
    causes: tuple[Cause, ...]

    def document(self) -> dict[str, object]:
        """JSON form."""
        return {
            "calculator": self.calculator,
            "field": self.field,
            "unit": self.after.unit,
            "before": f"{self.before.value:f}",
            "after": f"{self.after.value:f}",
            "change": f"{self.after.value - self.before.value:f}",
            "interaction": f"{self.interaction:f}",
            "causes": [cause.document() for cause in self.causes],
        }


def _position_name(position: Mapping[str, object]) -> str:
    parts = {name: value for name, value in position.items() if name not in _SIZES}
    return " ".join(str(value) for value in parts.values())


def _unfold(value: object) -> object:
    """A document whose lists of distinct positions are mappings by name."""
    if isinstance(value, dict):
        return {name: _unfold(item) for name, item in value.items()}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        names = [_position_name(item) for item in value]
        if value and len(set(names)) == len(names) and all("kind" in item for item in value):
            return {f"#{name}": item for name, item in zip(names, value, strict=True)}
    return value


def _fold(value: object) -> object:
    """Undo `_unfold`."""
    if not isinstance(value, dict):
        return value
    if value and all(str(name).startswith("#") for name in value):
        return list(value.values())
    return {name: _fold(item) for name, item in value.items()}


def _leaves(before: object, after: object, path: Path) -> Iterator[Path]:
    """Paths where two documents differ, in order."""
    is_position = bool(path) and path[-1].startswith("#")
    if isinstance(before, dict) and isinstance(after, dict) and not is_position:
        for name in dict.fromkeys([*before, *after]):
            yield from _leaves(before.get(name), after.get(name), (*path, name))
    elif before != after:
        yield path


def _value_at(document: object, path: Path) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _replaced(document: object, path: Path, value: object) -> object:
    """A copy of a document with one value put in, or taken out where it is None."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else {}
    inner = _replaced(copy.get(path[0]), path[1:], value)
    if inner is None and path[0].startswith("#"):
        copy.pop(path[0], None)
    else:
        copy[path[0]] = inner
    return copy


def _tree(effects: Mapping[Path, Cause], prefix: Path) -> tuple[Cause, ...]:
    groups: dict[str, dict[Path, Cause]] = {}
    for path, cause in effects.items():
        groups.setdefault(path[len(prefix)], {})[path] = cause
    causes = []
    for name, members in groups.items():
        path = (*prefix, name)
        if path in members:
            causes.append(members[path])
            continue
        children = _tree(members, path)
        known = [child.effect for child in children if child.effect is not None]
        causes.append(
            Cause(
                path=_name(path),
                effect=sum(known, Decimal(0)) if known else None,
                before="",
                after="",
                causes=children,
            )
        )
    return tuple(causes)


def _name(path: Path) -> str:
    return ".".join(part.removeprefix("#") for part in path)


def _text(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def explain(
    calculator: Calculator,
    before: object,
    after: object,
    market: MarketView,
    *,
    field: str | None = None,
) -> Explanation:
    """Explain the difference of one field, the headline unless told, between two inputs.

    Raises:
        InputError: inputs are wrong, the field is missing in a run, or too many inputs differ.
    """
    first, second = calculator.parse(before), calculator.parse(after)
    results = [calculator.run(inputs, market) for inputs in (first, second)]
    wanted = field or results[0].headline
    for result in results:
        if wanted not in result.fields:
            known = ", ".join(list(result.fields)[:25])
            raise InputError(
                field="field", expected=f"a field of both results ({known})", actual=wanted
            )
    start, end = (_unfold(dict(inputs.document())) for inputs in (first, second))
    paths = list(_leaves(start, end, ()))
    if len(paths) > CHANGES_MAX:
        raise InputError(
            field="after",
            expected=f"at most {CHANGES_MAX} inputs that differ",
            actual=str(len(paths)),
        )

    def value_of(document: object) -> Decimal | None:
        try:
            result = calculator.run(calculator.parse(_fold(document)), market)
        except InputError:
            return None
        found = result.fields.get(wanted)
        return None if found is None else found.value

    low, high = (result.fields[wanted] for result in results)
    effects: dict[Path, Cause] = {}
    for path in paths:
        old, new = _value_at(start, path), _value_at(end, path)
        alone = value_of(_replaced(start, path, new))
        last = value_of(_replaced(end, path, old))
        effect = None
        if alone is not None and last is not None:
            effect = (alone - low.value + high.value - last) / 2
        effects[path] = Cause(path=_name(path), effect=effect, before=_text(old), after=_text(new))
    separate = [cause.effect for cause in effects.values() if cause.effect is not None]
    return Explanation(
        calculator=calculator.name,
        field=wanted,
        before=low,
        after=high,
        interaction=high.value - low.value - sum(separate, Decimal(0)),
        causes=_tree(effects, ()),
    )
