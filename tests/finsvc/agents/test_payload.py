from dataclasses import replace

from finsvc.agents.payload import payload
from finsvc.domain.calls import CallError
from tests.finsvc.factories import call, quantity


def test_keys_are_the_references_that_an_answer_may_cite() -> None:
    given = call({"var": quantity("48211.53")}, labels={"subject": "the sample book"})
    assert payload(given) == {
        "[[c1.subject]]": "the sample book",
        "[[c1.var|USD|0]]": "48211.53",
    }


def test_table_is_one_label_with_its_first_rows() -> None:
    rows = {f"exposure.{code}": quantity("5") for code in ("EUR", "GBP", "JPY")}
    few = replace(call(rows, labels={}), shown=("exposure", "nothing"))
    assert payload(few) == {"[[c1.exposure]]": "EUR 5 USD; GBP 5 USD; JPY 5 USD"}
    many = replace(call({**rows, "exposure.CHF": quantity("5")}, labels={}), shown=("exposure",))
    assert payload(many) == {"[[c1.exposure]]": "EUR 5 USD; GBP 5 USD; JPY 5 USD; and more"}


def test_error_offers_its_message_alone() -> None:
    failed = call(error=CallError(code="non_trading_day", message="as_of: no such day"))
    assert payload(failed) == {"[[c1.error]]": "as_of: no such day"}
