from collections.abc import Callable
from enum import StrEnum

import pytest

from finsvc.agents.arguments.choices import (
    parse_dimension,
    parse_greek,
    parse_method,
    parse_option_type,
)
from finsvc.agents.arguments.spans import Parsed
from finsvc.domain.errors import InputError


@pytest.mark.parametrize(
    ("parse", "wordings", "value"),
    [
        (
            parse_method,
            "historical;Historical;historic;hist;hist sim;historical sim;"
            "historical simulation;empirical;HS;"
            "the historical method;historical VaR;Historical Simulation",
            "historical",
        ),
        (
            parse_method,
            "parametric;variance-covariance;variance covariance;var-covar;VCV;delta-normal;"
            "delta normal;normal;"
            "Gaussian;analytic;analytical;RiskMetrics;variance\u2011covariance;parametric approach",
            "parametric",
        ),
        (
            parse_method,
            "Monte Carlo;monte carlo;Monte-Carlo;monte_carlo;MC;MC simulation;"
            "Monte Carlo simulation;simulated;montecarlo",
            "monte_carlo",
        ),
        (
            parse_option_type,
            "call;Call;CALL;calls;call option;call options;a call;european call",
            "call",
        ),
        (parse_option_type, "put;Put;PUT;puts;put option;put options;a put;the puts", "put"),
        (parse_greek, "delta;Delta;DELTA;the delta;deltas", "delta"),
        (parse_greek, "gamma;Gamma", "gamma"),
        (parse_greek, "vega;Vega;vegas", "vega"),
        (parse_greek, "theta;time decay", "theta"),
        (parse_greek, "rho;Rho", "rho"),
        (
            parse_dimension,
            "currency;currencies;ccy;FX;by currency;currency exposure;Currency",
            "currency",
        ),
        (
            parse_dimension,
            "sector;sectors;industry;per sector;by industry;sector exposures",
            "sector",
        ),
        (
            parse_dimension,
            "instrument;instruments;name;single-name;single name;stock;security;position;"
            "underlying;ticker;issuer",
            "instrument",
        ),
    ],
)
def test_choice_is_read_in_every_wording(
    parse: Callable[[str], Parsed[StrEnum]], wordings: str, value: str
) -> None:
    assert {wording: str(parse(wording).value) for wording in wordings.split(";")} == dict.fromkeys(
        wordings.split(";"), value
    )


@pytest.mark.parametrize(
    ("parse", "wordings"),
    [
        (
            parse_method,
            ";exact;GARCH;bootstrap;full revaluation;simulation;Monte;historical or parametric",
        ),
        (parse_option_type, ";straddle;callable;call and put;putt;forward;american put"),
        (parse_greek, ";sigma;delta and gamma;vanna;deltaa;volga"),
        (parse_dimension, ";country;asset class;rating;sector and currency;colour;asset"),
    ],
)
def test_other_wording_is_refused_with_the_choices(
    parse: Callable[[str], Parsed[StrEnum]], wordings: str
) -> None:
    for wording in wordings.split(";"):
        with pytest.raises(InputError, match=" or "):
            parse(wording)
