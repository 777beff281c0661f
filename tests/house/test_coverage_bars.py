from tests.house.coverage_bars import shortfalls


def entry(covered: int, total: int) -> dict[str, object]:
    return {
        "summary": {
            "covered_lines": covered,
            "covered_branches": 0,
            "num_statements": total,
            "num_branches": 0,
            "missing_lines": total - covered,
            "missing_branches": 0,
        }
    }


def test_audit_below_one_hundred_percent_is_named() -> None:
    report: dict[str, object] = {"files": {"audit/log.py": entry(99, 100)}}
    assert shortfalls(report) == ["audit/: 99.00 %, bar 100 % (audit/log.py)"]


def test_rest_at_ninety_percent_passes() -> None:
    assert shortfalls({"files": {"engine/model.py": entry(90, 100)}}) == []
