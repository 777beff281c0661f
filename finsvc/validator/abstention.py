"""When to abstain: a threshold on confidence, calibrated so that few answers above it are wrong.

Learn-then-test (A. Angelopoulos et al., 2021) with one fixed sequence of thresholds: from the
strictest down, each is tested by the exact binomial tail against "more than alpha of the answers
are wrong", and the last before the first failure is taken. With probability 1 - delta over the
draw of the calibration questions, of further questions drawn like them at most alpha of those
answered are wrong. The guarantee ends where questions are drawn otherwise.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from finsvc.domain.errors import StateError

# Laid on a pilot, of which only the hand-written questions are used again; in natural logarithms
# of a ratio of probabilities.
THRESHOLDS = tuple(step / 2 for step in range(16, -1, -1))
DISAGREEMENT = -math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One question that the model answered; ``score`` is `DISAGREEMENT` where samples differ."""

    score: float
    is_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is promised and under which sampling: part of the calibration's identity."""

    alpha: float
    delta: float
    num_samples: int
    temperature: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Answers of a set, those at or above the threshold, and the wrong ones among these."""

    answered: int
    kept: int
    wrong: int

    @property
    def coverage(self) -> float:
        """Share of the answers that are kept."""
        return self.kept / self.answered if self.answered else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A threshold and what it rests on.

    ``weights`` is the digest of the model's weights; ``sets`` name the questions with their
    counts, ``held_out`` those that the threshold was not chosen on.
    """

    weights: str
    made_on: date
    terms: Terms
    threshold: float
    counted: Counted
    sets: Mapping[str, Counted]
    held_out: Mapping[str, Counted]

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of everything else."""
        text = json.dumps(_body(self), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def statement(self) -> str:
        """The guarantee in a sentence."""
        terms = self.terms
        return (
            f"Calibrated {self.made_on.isoformat()} on {self.counted.answered} answers: with "
            f"{1 - terms.delta:.0%} confidence at most {terms.alpha:.0%} of the answers at or "
            "above the threshold are wrong, on questions drawn like those; "
            f"{self.counted.coverage:.0%} of them are above it."
        )


def tail(wrong: int, kept: int, alpha: float) -> float:
    """Probability of at most ``wrong`` wrong answers of ``kept`` if a share alpha were wrong."""
    return math.fsum(
        math.comb(kept, number) * alpha**number * (1 - alpha) ** (kept - number)
        for number in range(wrong + 1)
    )


def count(trials: Sequence[Trial], threshold: float) -> Counted:
    """Count the answers that a threshold keeps."""
    kept = [trial for trial in trials if trial.score >= threshold]
    wrong = sum(not trial.is_right for trial in kept)
    return Counted(answered=len(trials), kept=len(kept), wrong=wrong)


def choose_threshold(trials: Sequence[Trial], *, alpha: float, delta: float) -> float | None:
    """Return the lowest threshold that the sequence certifies; None where even the first fails."""
    chosen = None
    for threshold in THRESHOLDS:
        found = count(trials, threshold)
        if tail(found.wrong, found.kept, alpha) > delta:
            break
        chosen = threshold
    return chosen


def calibrate(
    sets: Mapping[str, Sequence[Trial]],
    held_out: Mapping[str, Sequence[Trial]],
    *,
    weights: str,
    made_on: date,
    terms: Terms,
) -> Calibration:
    """Choose a threshold on some sets and count on others what it does.

    Raises:
        StateError: No threshold can be certified: too few questions, or too many errors.
    """
    trials = [trial for found in sets.values() for trial in found]
    threshold = choose_threshold(trials, alpha=terms.alpha, delta=terms.delta)
    if threshold is None:
        strictest = count(trials, THRESHOLDS[0])
        raise StateError(
            f"calibration: expected a threshold that keeps wrong answers below {terms.alpha:.1%}, "
            f"got {strictest.wrong} wrong of {strictest.kept} at the strictest"
        )
    return Calibration(
        weights=weights,
        made_on=made_on,
        terms=terms,
        threshold=threshold,
        counted=count(trials, threshold),
        sets={name: count(found, threshold) for name, found in sets.items()},
        held_out={name: count(found, threshold) for name, found in held_out.items()},
    )


def to_json(calibration: Calibration) -> str:
    """JSON text of a calibration with its digest."""
    return json.dumps({**_body(calibration), "digest": calibration.digest}, indent=1) + "\n"


def from_json(text: str, *, weights: str, source: str) -> Calibration:
    """Read a calibration for a model.

    Args:
        text: What `to_json` wrote.
        weights: Digest of the weights of the model that answers.
        source: Where the text is from, for errors.

    Raises:
        StateError: It is damaged, altered, or of another model.
    """
    try:
        body = json.loads(text)
        stated = body.pop("digest")
        found = Calibration(
            weights=body["weights"],
            made_on=date.fromisoformat(body["made_on"]),
            terms=Terms(**body["terms"]),
            threshold=float(body["threshold"]),
            counted=Counted(**body["counted"]),
            sets={name: Counted(**item) for name, item in body["sets"].items()},
            held_out={name: Counted(**item) for name, item in body["held_out"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"calibration {source}: expected the file that calibrating writes, got {error!r}"
        raise StateError(message) from error
    if stated != found.digest:
        message = f"calibration {source}: expected digest {found.digest}, got {stated}"
        raise StateError(message)
    if found.weights != weights:
        raise StateError(
            f"calibration {source}: expected one of the model with weights {weights}, "
            f"got one of {found.weights}"
        )
    return found


def _body(calibration: Calibration) -> dict[str, object]:
    terms = calibration.terms
    return {
        "weights": calibration.weights,
        "made_on": calibration.made_on.isoformat(),
        "terms": {
            "alpha": terms.alpha,
            "delta": terms.delta,
            "num_samples": terms.num_samples,
            "temperature": terms.temperature,
        },
        "threshold": calibration.threshold,
        "counted": _counts(calibration.counted),
        "sets": {name: _counts(item) for name, item in calibration.sets.items()},
        "held_out": {name: _counts(item) for name, item in calibration.held_out.items()},
    }


def _counts(counted: Counted) -> dict[str, int]:
    return {"answered": counted.answered, "kept": counted.kept, "wrong": counted.wrong}
