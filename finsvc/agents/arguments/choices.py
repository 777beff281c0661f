"""Arguments that choose one of a few: method, option type, sensitivity, dimension."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from finsvc.agents.arguments.spans import Parsed, read_span
from finsvc.calculators.inputs.book import ExposureKey
from finsvc.calculators.inputs.risk import RiskMethod
from finsvc.domain.positions import OptionType

E = TypeVar("E", bound=StrEnum)


class Greek(StrEnum):
    """Sensitivities of an option."""

    DELTA = "delta"
    GAMMA = "gamma"
    VEGA = "vega"
    THETA = "theta"
    RHO = "rho"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(";"))


_METHODS: Mapping[RiskMethod, tuple[str, ...]] = {
    RiskMethod.HISTORICAL: _words(
        "historical;historic;hist;hs;historical simulation;historic simulation;hist sim;hist. sim;"
        "historical sim;empirical;non-parametric;nonparametric"
    ),
    RiskMethod.PARAMETRIC: _words(
        "parametric;variance-covariance;variance covariance;var-covar;var covar;vcv;delta-normal;"
        "delta normal;normal;gaussian;analytic;analytical;riskmetrics"
    ),
    RiskMethod.MONTE_CARLO: _words(
        "monte carlo;monte-carlo;monte_carlo;montecarlo;mc;mc simulation;monte carlo simulation;"
        "monte-carlo simulation;mc sim;monte carlo sim;simulated"
    ),
}
_OPTION_TYPES: Mapping[OptionType, tuple[str, ...]] = {
    OptionType.CALL: _words("call;calls;call option;call options;c;european call;european calls"),
    OptionType.PUT: _words("put;puts;put option;put options;p;european put;european puts"),
}
_GREEKS: Mapping[Greek, tuple[str, ...]] = {
    Greek.DELTA: _words("delta;deltas;\u03b4"),
    Greek.GAMMA: _words("gamma;gammas;\u03b3"),
    Greek.VEGA: _words("vega;vegas"),
    Greek.THETA: _words("theta;thetas;time decay;\u03b8"),
    Greek.RHO: _words("rho;rhos;\u03c1"),
}
_DIMENSIONS: Mapping[ExposureKey, tuple[str, ...]] = {
    ExposureKey.CURRENCY: _words("currency;currencies;ccy;ccys;fx;curr"),
    ExposureKey.SECTOR: _words("sector;sectors;industry;industries;gics sector"),
    ExposureKey.INSTRUMENT: _words(
        "instrument;instruments;name;names;single name;single-name;stock;stocks;security;"
        "securities;position;positions;underlying;underlyings;ticker;line;issuer"
    ),
}


def parse_method(text: str, *, field: str = "method") -> Parsed[RiskMethod]:
    """Read a method of value at risk: "historical", "variance-covariance", "Monte Carlo"."""
    return _choose(text, field, _METHODS, leads=(), tails=("method", "approach", "var"))


def parse_option_type(text: str, *, field: str = "option_type") -> Parsed[OptionType]:
    """Read "call" or "put"."""
    return _choose(text, field, _OPTION_TYPES, leads=("a",), tails=())


def parse_greek(text: str, *, field: str = "greek") -> Parsed[Greek]:
    """Read the name of a sensitivity: "delta", "time decay"."""
    return _choose(text, field, _GREEKS, leads=(), tails=())


def parse_dimension(text: str, *, field: str = "by") -> Parsed[ExposureKey]:
    """Read what exposures are grouped by: "currency", "sector", "single name"."""
    return _choose(text, field, _DIMENSIONS, leads=("by", "per"), tails=("exposure", "exposures"))


def _choose(
    text: str,
    field: str,
    options: Mapping[E, tuple[str, ...]],
    *,
    leads: tuple[str, ...],
    tails: tuple[str, ...],
) -> Parsed[E]:
    span = read_span(text, field=field, expected=" or ".join(str(option) for option in options))
    body = span.text
    for lead in leads:
        body = body.removeprefix(f"{lead} ")
    for tail in tails:
        body = body.removesuffix(f" {tail}")
    for option, words in options.items():
        if body in words:
            return Parsed(value=option)
    raise span.rejected()
