from dataclasses import replace
from decimal import Decimal

import pytest

from finsvc.calculators.registry import calculator
from finsvc.domain.calls import CallError, ToolCall
from finsvc.validator.recompute import Recomputation
from tests.finsvc.conftest import MarketData
from tests.finsvc.factories import call

INPUTS = {"instrument": "AAPL", "as_of": "2022-12-28"}


@pytest.fixture
def close(data: MarketData) -> ToolCall:
    entry = calculator("close")
    result = entry.run(entry.parse(INPUTS), data.market)
    return replace(call(name="price", calculator="close", inputs=INPUTS), result=result)


def test_second_method_confirms_a_close(data: MarketData, close: ToolCall) -> None:
    confirmation = Recomputation(data.second_market)(close)
    assert confirmation.failure is None
    assert confirmation.checks["close"].is_within


def test_second_method_catches_a_changed_value(data: MarketData, close: ToolCall) -> None:
    assert close.result is not None
    wrong = replace(close.result.fields["close"], value=Decimal("126.14"))
    tampered = replace(close, result=replace(close.result, fields={"close": wrong}))
    assert not Recomputation(data.second_market)(tampered).checks["close"].is_within


def test_failing_second_method_is_a_failure_and_no_confirmation(
    data: MarketData, close: ToolCall
) -> None:
    broken = replace(close, inputs={"instrument": "NONE", "as_of": "2022-12-28"})
    confirmation = Recomputation(data.second_market)(broken)
    assert confirmation.checks == {}
    assert "UnknownNameError" in (confirmation.failure or "")


def test_call_without_result_is_not_confirmed(data: MarketData) -> None:
    erring = call(error=CallError(code="x", message="m"))
    assert Recomputation(data.second_market)(erring).failure is not None
