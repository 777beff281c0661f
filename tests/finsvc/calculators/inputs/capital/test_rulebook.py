import itertools
import json
from pathlib import Path

import pytest

from finsvc.calculators.inputs.capital.credit_sa import CreditParameters
from finsvc.calculators.inputs.capital.cva import CvaParameters
from finsvc.calculators.inputs.capital.frtb_rules import FrtbParameters
from finsvc.calculators.inputs.capital.irb import IrbParameters
from finsvc.calculators.inputs.capital.liquidity import LcrParameters, NsfrParameters
from finsvc.calculators.inputs.capital.rulebook import (
    Jurisdiction,
    Parameters,
    rule_set,
    rule_sets,
)
from finsvc.calculators.inputs.capital.sa_ccr import CcrParameters
from finsvc.calculators.inputs.capital.solvency import LeverageParameters, RatioParameters
from finsvc.domain.errors import UnknownNameError
from tests.data import ROOT

FAMILIES: dict[str, type[Parameters]] = {
    "ba_cva": CvaParameters,
    "capital_ratios": RatioParameters,
    "frtb": FrtbParameters,
    "irb": IrbParameters,
    "lcr": LcrParameters,
    "leverage": LeverageParameters,
    "nsfr": NsfrParameters,
    "sa_ccr": CcrParameters,
    "sa_credit": CreditParameters,
}
FOLDER = ROOT / "finsvc" / "calculators" / "inputs" / "capital" / "rules"


def test_every_file_of_rules_is_read_by_a_family() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_rule_sets_of_a_jurisdiction_never_overlap(family: str) -> None:
    for jurisdiction in Jurisdiction:
        own = [e for e in rule_sets(family, FAMILIES[family]) if e.jurisdiction is jurisdiction]
        assert own, f"{family} has no rules of {jurisdiction}"
        own.sort(key=lambda entry: entry.effective_from)
        for early, late in itertools.pairwise(own):
            assert early.effective_to is not None
            assert early.effective_to < late.effective_from
        assert all(entry.source for entry in own)


@pytest.mark.parametrize("family", FAMILIES)
def test_family_names_itself_and_its_rule_sets_once(family: str) -> None:
    document = json.loads((FOLDER / f"{family}.json").read_text())
    names = [entry["id"] for entry in document["rule_sets"]]
    assert document["family"] == family
    assert len(set(names)) == len(names)


def test_jurisdiction_without_rules_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {
        "id": "one",
        "jurisdiction": "uk",
        "effective_from": "2020-01-01",
        "source": "s",
        "parameters": {},
    }
    (tmp_path / "alone.json").write_text(json.dumps({"family": "alone", "rule_sets": [entry]}))
    monkeypatch.setattr("finsvc.calculators.inputs.capital.rulebook._FOLDER", tmp_path)
    day = rule_sets("alone", Parameters)[0].effective_from
    assert rule_set("alone", Parameters, Jurisdiction.UK, day).id == "one"
    with pytest.raises(UnknownNameError, match="uk"):
        rule_set("alone", Parameters, Jurisdiction.EU, day)
