import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import jsonschema_rs
import pytest

import finsvc.calculators
from finsvc.calculators.comparison import compare
from finsvc.calculators.registry import CALCULATORS, calculator
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.results import CalculatorResult, Quantity
from finsvc.marketdata.second_reader import SecondMarket
from finsvc.marketdata.sources import PINNED_DIGEST
from tests.data import ROOT
from tests.finsvc.calculators.capital.cases import CAPITAL_CASES
from tests.finsvc.calculators.factories import book, cash
from tests.finsvc.calculators.portfolio.cases import PORTFOLIO_CASES
from tests.finsvc.calculators.pricing.cases import PRICING_CASES
from tests.finsvc.calculators.real_book import AS_OF, BOOK, ON_BOOK, Cases
from tests.finsvc.calculators.risk.cases import BACKTEST_CASES, GIVEN_CASES, TAIL_CASES
from tests.finsvc.marketdata.factories import real_market, real_snapshot_folder

SHOCKS = [
    {"kind": "equity", "fraction": "-0.2"},
    {"kind": "sector", "target": "Energy", "fraction": "0.1"},
    {"kind": "currency", "target": "EUR", "fraction": "-0.05"},
    {"kind": "instrument", "target": "AAPL", "fraction": "-0.4"},
]
TAIL = {"confidence": "0.99", "horizon_days": 10}
LIMITS = [
    {"name": "var", "metric": "value_at_risk", "threshold": "20000", "unit": "USD", **TAIL},
    {"name": "es", "metric": "expected_shortfall", "threshold": "9", "unit": "%", **TAIL},
    {"name": "stock", "metric": "instrument_exposure", "threshold": "20", "unit": "%"},
    {"name": "fx", "metric": "currency_exposure", "threshold": "90000", "unit": "EUR"},
    {
        "name": "sector",
        "metric": "sector_exposure",
        "scope": "Energy",
        "threshold": "5",
        "unit": "%",
    },
    {"name": "covid", "metric": "stress_loss", "scope": "covid", "threshold": "1", "unit": "USD"},
]
INSTRUMENT = {"instrument": "AAPL", "as_of": AS_OF}
OPTION = {"underlying": "SPX", "option_type": "put", "strike": "3700", "expiry": "2023-09-15"}

FIRST_CASES: Cases = (
    ("historical_var", ON_BOOK),
    ("historical_var", {**ON_BOOK, "scaling": "overlapping", "confidence": "0.95"}),
    ("historical_var", {"portfolio": book(cash("EUR", "5000000")), "as_of": AS_OF}),
    ("parametric_var", ON_BOOK),
    ("parametric_var", {**ON_BOOK, "scaling": "overlapping"}),
    ("monte_carlo_var", ON_BOOK),
    ("expected_shortfall", {**ON_BOOK, "method": "historical", "confidence": "0.975"}),
    ("expected_shortfall", {**ON_BOOK, "method": "parametric", "confidence": "0.975"}),
    ("expected_shortfall", {**ON_BOOK, "method": "monte_carlo", "confidence": "0.975"}),
    (
        "stress_test",
        {
            **ON_BOOK,
            "scenario": {
                "kind": "historical",
                "name": "the 2008 crisis",
                "start": "2007-10-09",
                "end": "2009-03-09",
            },
        },
    ),
    ("stress_test", {**ON_BOOK, "scenario": {"kind": "shocks", "name": "mix", "shocks": SHOCKS}}),
    ("exposure", {**ON_BOOK, "by": "currency"}),
    ("exposure", {**ON_BOOK, "by": "sector"}),
    ("exposure", {**ON_BOOK, "by": "instrument"}),
    ("positions", ON_BOOK),
    ("large_exposures", ON_BOOK),
    ("limit_check", {**ON_BOOK, "limits": LIMITS}),
    ("profit_and_loss", {"portfolio": BOOK, "start": "2022-06-30", "end": AS_OF}),
    ("close", INSTRUMENT),
    ("price_change", {"instrument": "AAPL", "start": "2022-06-30", "end": AS_OF}),
    ("volatility", INSTRUMENT),
    ("correlation", {"first": "AAPL", "second": "MSFT", "as_of": AS_OF}),
    ("beta", INSTRUMENT),
    ("drawdown", {"instrument": "AAPL", "start": "2020-01-01", "end": "2020-12-31"}),
    ("fx_rate", {"base": "GBP", "quote": "JPY", "as_of": AS_OF}),
    (
        "fx_convert",
        {"amount": "2500000.55", "from_currency": "EUR", "to_currency": "USD", "as_of": AS_OF},
    ),
    ("option_price", {**OPTION, "as_of": AS_OF}),
)
REAL_CASES = (
    *FIRST_CASES,
    *BACKTEST_CASES,
    *TAIL_CASES,
    *GIVEN_CASES,
    *PORTFOLIO_CASES,
    *PRICING_CASES,
    *CAPITAL_CASES,
)


def second_market() -> SecondMarket:
    return SecondMarket(real_snapshot_folder(), expected=PINNED_DIGEST)


@pytest.mark.parametrize(("name", "document"), REAL_CASES)
def test_second_method_on_the_real_snapshot_confirms_every_field(
    name: str, document: Mapping[str, object]
) -> None:
    entry = calculator(name)
    inputs = entry.parse(document)
    result = entry.run(inputs, real_market())
    comparisons = compare(result, entry.confirm(inputs, second_market()), entry.tolerances)
    assert [field for field, item in comparisons.items() if not item.within] == []
    assert set(comparisons) == set(result.fields)


@pytest.mark.parametrize(("name", "document"), REAL_CASES)
def test_injected_error_in_any_field_is_caught(name: str, document: Mapping[str, object]) -> None:
    entry = calculator(name)
    inputs = entry.parse(document)
    result = entry.run(inputs, real_market())
    second = entry.confirm(inputs, second_market())
    wrong = {
        field: Quantity(
            value=quantity.value * Decimal("1.2") + Decimal("0.01"),
            unit=quantity.unit,
            decimals=quantity.decimals,
        )
        for field, quantity in result.fields.items()
        if field not in {"standard_error", "p_value"}
    }
    injected = _with_fields(result, wrong)
    comparisons = compare(injected, second, entry.tolerances)
    assert [field for field, item in comparisons.items() if item.within] == []


def _with_fields(result: CalculatorResult, fields: Mapping[str, Quantity]) -> CalculatorResult:
    return CalculatorResult(
        calculator=result.calculator,
        version=result.version,
        headline=result.headline,
        fields=fields,
        labels=result.labels,
        as_of=result.as_of,
        method=result.method,
        parameters=result.parameters,
        notes=result.notes,
        inputs_digest=result.inputs_digest,
        data_snapshot=result.data_snapshot,
    )


@pytest.mark.parametrize(("name", "document"), REAL_CASES)
def test_result_document_obeys_the_declared_schemas(
    name: str, document: Mapping[str, object]
) -> None:
    entry = calculator(name)
    jsonschema_rs.validator_for(entry.input_schema).validate(document)
    written = result_to_json(entry.run(entry.parse(document), real_market()))
    jsonschema_rs.validator_for(entry.output_schema).validate(written)


_ONE_RUN = """
import hashlib, json
from tests.finsvc.calculators.test_registry import REAL_CASES
from tests.finsvc.marketdata.factories import real_market
from finsvc.calculators.registry import calculator
from finsvc.calculators.serialization import result_to_json
digest = hashlib.sha256()
for name, document in REAL_CASES:
    entry = calculator(name)
    result = entry.run(entry.parse(document), real_market())
    digest.update(json.dumps(result_to_json(result)).encode())
print(digest.hexdigest())
"""


def test_other_processes_and_thread_counts_give_the_same_bytes() -> None:
    digests = set()
    for threads in ("1", "4"):
        finished = subprocess.run(  # noqa: S603 (our own interpreter and text)
            [sys.executable, "-c", _ONE_RUN],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(finished.stdout.strip())
    assert len(digests) == 1


def test_cases_cover_every_calculator() -> None:
    assert {name for name, _ in REAL_CASES} == set(CALCULATORS)


def test_every_result_on_prices_says_they_are_adjusted() -> None:
    for name, document in REAL_CASES:
        entry = calculator(name)
        inputs = entry.parse(document)
        notes = " ".join(entry.run(inputs, real_market()).notes)
        if name not in {"fx_rate", "fx_convert"} and "AAPL" in str(document):
            assert "adjusted for splits and dividends" in notes, name


def test_every_result_with_options_labels_its_assumptions() -> None:
    for name, document in REAL_CASES:
        if "portfolio" not in document or "option" not in str(document):
            continue
        entry = calculator(name)
        result = entry.run(entry.parse(document), real_market())
        assert any("are assumptions, not market quotes" in note for note in result.notes), name
        assert result.parameters["rate"] == "0.04"


def test_calculator_with_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="american_option, "):
        calculator("astrology")


def test_registry_is_sorted_and_every_field_declares_unit_and_meaning() -> None:
    assert list(CALCULATORS) == sorted(CALCULATORS)
    for entry in CALCULATORS.values():
        assert entry.outputs
        for spec in entry.outputs:
            assert spec.unit
            assert spec.meaning.endswith(".")


def test_digest_differs_by_calculator_and_is_stable() -> None:
    digests = {entry.digest for entry in CALCULATORS.values()}
    assert len(digests) == len(CALCULATORS)
    assert calculator("close").digest == calculator("close").digest


def test_second_methods_import_no_first_method() -> None:
    folder = Path(finsvc.calculators.__file__).parent / "second"
    allowed = ("finsvc.domain", "finsvc.calculators.inputs", "finsvc.calculators.second")
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [str(node.module)]
            for name in names:
                if name.startswith("finsvc"):
                    assert name.startswith(allowed), f"{path.name} imports {name}"


def test_first_methods_import_no_second_method() -> None:
    folder = Path(finsvc.calculators.__file__).parent
    for path in folder.rglob("*.py"):
        is_second = "second" in path.relative_to(folder).parts
        if not is_second and path.name != "calculator.py" and "catalogue" not in path.name:
            joined = re.search(
                r"^(from|import) finsvc\.calculators\.second", path.read_text(), re.M
            )
            assert joined is None, path.name
