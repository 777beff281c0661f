import json

from audit.receipt import Receipt
from audit.signed_note import Verifier
from tests.audit.support import make_large_record, make_log, unbase64


def read_lines(path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_export_lines_verify_without_the_log(tmp_path):
    with make_log(tmp_path, num_records=3) as log:
        log.append(make_large_record(3))
        assert log.export(tmp_path / "export.jsonl") == 4
    header, *lines = read_lines(tmp_path / "export.jsonl")
    verifier = Verifier.parse(header["vkey"])
    assert header["origin"] == verifier.name
    for index, line in enumerate(lines):
        assert line["index"] == index
        assert line["content"]["decision_id"] == line["id"] == f"decision-{index}"
        receipt = Receipt.from_json(line["receipt"])
        assert receipt.checkpoint == header["checkpoint"]
        assert receipt.verify([verifier], entry=unbase64(line["envelope"])).size == 4


def test_export_chosen_entries_only(tmp_path):
    with make_log(tmp_path, num_records=4) as log:
        assert log.export(tmp_path / "export.jsonl", [3, 1]) == 2
    assert [line["index"] for line in read_lines(tmp_path / "export.jsonl")[1:]] == [3, 1]
