"""Add-ons of SA-CCR: effective notionals to hedging sets to netting sets, on arrays.

Rates: three maturity buckets a currency. Currencies: one net amount a pair. Credit and equity: one
hedging set with a systematic and an idiosyncratic part by entity. Commodities: the same by type in
each of four groups, electricity belonging to energy.
Source: Basel Framework CRE52.52 to CRE52.72.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finsvc.calculators.inputs.capital.fields import field_part
from finsvc.calculators.inputs.capital.sa_ccr import (
    CcrClass,
    CcrParameters,
    CcrTrade,
    CommodityKind,
    TransactionKind,
)
from finsvc.domain.errors import InputError

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]

_GROUP = {
    CcrClass.INTEREST_RATE: "interest_rate",
    CcrClass.FX: "fx",
    CcrClass.CREDIT_SINGLE: "credit",
    CcrClass.CREDIT_INDEX: "credit",
    CcrClass.EQUITY_SINGLE: "equity",
    CcrClass.EQUITY_INDEX: "equity",
    CcrClass.COMMODITY: "commodity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOns:
    """Aggregate add-on of every netting set, and its parts by hedging set."""

    totals: tuple[float, ...]
    by_hedging_set: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Where every trade nets, independent of amounts.

    ``entity_ids`` and ``factors`` have one entry a trade, ``owner`` (code of the hedging set) and
    ``loadings`` one an entity; a hedging set is the code of its netting set and a name.
    """

    hedging_sets: list[tuple[int, str]]
    entities: list[tuple[int, str]]
    entity_ids: _Integers
    factors: _Floats
    owner: _Integers
    loadings: _Floats


def structure(
    trades: tuple[CcrTrade, ...], sets: _Integers, parameters: CcrParameters
) -> Structure:
    """Sort trades into hedging sets and entities.

    Raises:
        InputError: a rating without factor.
    """
    hedging_sets, hedging_ids = _coded(
        list(zip(sets.tolist(), map(_hedging_set, trades), strict=True))
    )
    entities, entity_ids = _coded(
        list(zip(hedging_ids.tolist(), map(_entity, trades), strict=True))
    )
    first = {code: idx for idx, code in reversed(list(enumerate(entity_ids.tolist())))}
    return Structure(
        hedging_sets=hedging_sets,
        entities=entities,
        entity_ids=entity_ids,
        factors=np.array([factor(trade, parameters) for trade in trades], dtype=np.float64),
        owner=np.array([code for code, _ in entities], dtype=np.int64),
        loadings=np.array(
            [_correlation(trades[first[code]], parameters) for code in range(len(entities))],
            dtype=np.float64,
        ),
    )


def add_ons(
    layout: Structure, effective: _Floats, parameters: CcrParameters, *, num_sets: int
) -> AddOns:
    """Aggregate effective notionals, given as adjusted notional times delta times time factor."""
    hedging_sets, entities = layout.hedging_sets, layout.entities
    owner, rho = layout.owner, layout.loadings
    by_entity = np.bincount(
        layout.entity_ids, weights=effective * layout.factors, minlength=len(entities)
    )
    count = len(hedging_sets)
    systematic = np.bincount(owner, weights=rho * by_entity, minlength=count)
    own = np.bincount(owner, weights=(1.0 - rho**2) * by_entity**2, minlength=count)
    squares = systematic**2 + own
    rates = _is_rates(hedging_sets)
    buckets = [
        np.bincount(owner, weights=by_entity * _in_bucket(entities, bucket), minlength=count)
        for bucket in range(3)
    ]
    near, far = parameters.adjacent_bucket_correlation, parameters.distant_bucket_correlation
    short, middle, long = buckets
    quadratic = (
        short**2
        + middle**2
        + long**2
        + 2.0 * near * (short * middle + middle * long)
        + 2.0 * far * short * long
    )
    values = np.sqrt(np.maximum(np.where(rates, quadratic, squares), 0.0))
    owners = np.array([code for code, _ in hedging_sets], dtype=np.int64)
    totals = np.bincount(owners, weights=values, minlength=num_sets)
    by_set: list[dict[str, float]] = [{} for _ in range(num_sets)]
    for (code, name), value in zip(hedging_sets, values.tolist(), strict=True):
        by_set[code][name] = value
    return AddOns(totals=tuple(totals.tolist()), by_hedging_set=tuple(by_set))


def factor(trade: CcrTrade, parameters: CcrParameters) -> float:
    """Supervisory factor of a trade, basis and volatility multipliers included."""
    multiplier = {
        TransactionKind.STANDARD: 1.0,
        TransactionKind.BASIS: parameters.basis_multiplier,
        TransactionKind.VOLATILITY: parameters.volatility_multiplier,
    }[trade.transaction]
    if trade.commodity is not None:
        return multiplier * parameters.commodity_factor[trade.commodity]
    if trade.rating is not None:
        single = trade.asset_class is CcrClass.CREDIT_SINGLE
        table = parameters.credit_single_factor if single else parameters.credit_index_factor
        if trade.rating not in table:
            raise InputError(
                field=f"trades.{trade.id}.rating",
                expected=f"one of {', '.join(table)}",
                actual=repr(trade.rating),
            )
        return multiplier * table[trade.rating]
    return (
        multiplier
        * {
            CcrClass.INTEREST_RATE: parameters.interest_rate_factor,
            CcrClass.FX: parameters.fx_factor,
            CcrClass.EQUITY_SINGLE: parameters.equity_single_factor,
            CcrClass.EQUITY_INDEX: parameters.equity_index_factor,
        }[trade.asset_class]
    )


def _hedging_set(trade: CcrTrade) -> str:
    group = _GROUP[trade.asset_class]
    prefix = "" if trade.transaction is TransactionKind.STANDARD else f"{trade.transaction}:"
    if trade.transaction is TransactionKind.BASIS or group in {"interest_rate", "fx"}:
        return f"{prefix}{group}:{field_part(trade.reference)}"
    if trade.commodity is not None:
        is_energy = trade.commodity is CommodityKind.ELECTRICITY
        return f"{prefix}{group}:{CommodityKind.ENERGY if is_energy else trade.commodity}"
    return f"{prefix}{group}"


def _entity(trade: CcrTrade) -> str:
    """What nets fully within a hedging set: a maturity bucket, a pair, an entity, a type."""
    if trade.asset_class is CcrClass.INTEREST_RATE:
        end = trade.end_years or 0
        return "bucket:" + ("0" if end < 1 else "1" if end <= 5 else "2")
    if trade.asset_class is CcrClass.FX:
        return "pair"
    return f"{trade.asset_class}:{trade.reference}"


def _correlation(trade: CcrTrade, parameters: CcrParameters) -> float:
    return {
        CcrClass.INTEREST_RATE: 1.0,
        CcrClass.FX: 1.0,
        CcrClass.CREDIT_SINGLE: parameters.credit_single_correlation,
        CcrClass.CREDIT_INDEX: parameters.credit_index_correlation,
        CcrClass.EQUITY_SINGLE: parameters.equity_single_correlation,
        CcrClass.EQUITY_INDEX: parameters.equity_index_correlation,
        CcrClass.COMMODITY: parameters.commodity_correlation,
    }[trade.asset_class]


def _coded(keys: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], _Integers]:
    codes: dict[tuple[int, str], int] = {}
    ids = [codes.setdefault(key, len(codes)) for key in keys]
    return list(codes), np.array(ids, dtype=np.int64)


def _is_rates(hedging_sets: list[tuple[int, str]]) -> npt.NDArray[np.bool_]:
    return np.array([":interest_rate:" in f":{name}" for _, name in hedging_sets], dtype=np.bool_)


def _in_bucket(entities: list[tuple[int, str]], bucket: int) -> _Floats:
    return np.array([name == f"bucket:{bucket}" for _, name in entities], dtype=np.float64)
