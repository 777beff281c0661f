"""The embedded model's material answers: sampled again, held to its calibration, replayed whole."""

from pathlib import Path

import pytest

from finsvc.agents.catalogue import AgentName
from finsvc.services.decision import AskCommand
from finsvc.services.replay import Level
from finsvc.settings import Settings
from finsvc.wiring import open_services

QUESTIONS = (
    "What is 500m EUR in USD?",
    "10-day 99% VaR of the sample book?",
    "What is the 95% VaR of the sample book over one day?",
)


# About 40 seconds on two cores.
@pytest.mark.slow
def test_material_answers_of_the_embedded_model_are_sampled_and_replay_equal(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, material_usd=1)
    with open_services(settings, on_progress=lambda _: None) as services:
        for text in QUESTIONS:
            command = AskCommand(
                question=text,
                agent=AgentName.AUTO,
                book=None,
                as_of=None,
                principal=services.local_principal,
                request_id="req_ensemble",
            )
            steps: list[str] = []
            decision = services.ask(command, lambda step, steps=steps: steps.append(step.event))
            assert steps.count("sample") == 4
            record = services.log.find(decision.decision_id)
            assert record is not None
            ensemble = record.body["ensemble"]
            assert isinstance(ensemble, dict)
            assert len(ensemble["samples"]) == 4
            assert ensemble["calibration"]["alpha"] == "0.02"
            turns = record.body["turns"]
            assert isinstance(turns, list)
            assert ensemble["samples"][-1]["turns"][1] == len(turns)
            seeds = {turn["sampling"]["seed"] for turn in turns}
            assert {sample["seed"] for sample in ensemble["samples"]} < seeds
            reasons = {item["reason"] for item in record.body["reasons"]}  # type: ignore[attr-defined]
            assert decision.is_held is bool(reasons)
            assert reasons <= {"samples_disagree", "low_confidence"}
            replayed = services.replay(decision.decision_id, Level.R4, services.local_principal)
            assert replayed.is_ok, replayed.details
            assert set(replayed.levels.values()) == {"match"}
