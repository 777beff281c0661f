from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from finsvc.agents.catalogue import TOOLS, AgentName
from finsvc.agents.loop import Question
from finsvc.data import LOCAL_PRINCIPAL, Data, open_data
from finsvc.domain.errors import StateError, UnknownNameError
from finsvc.settings import EMBEDDED, Settings
from finsvc.wiring import AGENT_MODELS, model_folder, open_services
from tests.engine.factories import SMALL_SHAPE, random_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_checkpoint(tmp_path_factory.mktemp("model") / "noise", SMALL_SHAPE, seed=5)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return open_data(Settings(data_dir=tmp_path_factory.mktemp("data")), lambda _: None)


def settings(tmp_path: Path, model: Path) -> Settings:
    return Settings(data_dir=tmp_path / "state", model=str(model), threads=1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing without a GPU")
@pytest.mark.parametrize("is_served", [False, True])
def test_service_on_a_gpu_that_is_not_there_does_not_start(
    tmp_path: Path, checkpoint: Path, is_served: bool
) -> None:
    given = settings(tmp_path, checkpoint).model_copy(update={"device": "cuda"})
    with (
        pytest.raises(StateError, match="on the CPU"),
        open_services(given, on_progress=lambda _: None, is_served=is_served),
    ):
        pytest.fail("a service runs on no GPU")


@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:x", ""])
def test_device_that_no_engine_runs_on_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="device"):
        Settings(device=device)


def test_service_starts_twice_on_one_data_directory(tmp_path: Path, checkpoint: Path) -> None:
    given = settings(tmp_path, checkpoint)
    lines: list[str] = []
    with open_services(given, on_progress=lines.append) as services:
        vkey = services.audit.vkey()
        assert services.models == (*AGENT_MODELS, "noise")
        assert services.local_principal == LOCAL_PRINCIPAL
        assert services.log is services.audit
        with (
            pytest.raises(StateError, match="another running finsvc"),
            open_services(given, on_progress=lines.append),
        ):
            pytest.fail("two services share a data directory")
    assert any("loading the model" in line for line in lines)
    with open_services(given, on_progress=lines.append) as services:
        assert services.audit.vkey() == vkey


def test_only_the_embedded_model_keeps_to_the_tools_it_was_trained_on(
    tmp_path: Path, checkpoint: Path
) -> None:
    question = Question(
        text="LCR and a barrier option", agent=AgentName.AUTO, book=None, as_of=None
    )
    offered = {}
    for model in (EMBEDDED, str(checkpoint)):
        given = Settings(data_dir=tmp_path / Path(model).name, model=model, threads=1)
        with open_services(given, on_progress=lambda _: None) as services:
            offered[model] = {tool.name for tool in services.ask.offered(question)}
    assert offered[EMBEDDED] == set(TOOLS)
    assert offered[str(checkpoint)] >= {*TOOLS, "lcr", "barrier_option"}


def test_model_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    given = settings(tmp_path, tmp_path / "nowhere")
    with (
        pytest.raises(StateError, match=r"model .*nowhere"),
        open_services(given, on_progress=lambda _: None),
    ):
        pytest.fail("a service started without a model")


def test_embedded_model_ships_with_the_engine() -> None:
    assert model_folder(Settings()).parts[-2:] == ("engine", "embedded")


def test_book_by_name_becomes_its_positions(opened: Data) -> None:
    inputs = opened.inline_books({"portfolio": {"book": "the sample book"}, "as_of": "x"})
    portfolio = inputs["portfolio"]
    assert isinstance(portfolio, Mapping)
    assert portfolio["label"] == "the sample book"
    assert len(portfolio["positions"]) == 20
    assert inputs["as_of"] == "x"
    with pytest.raises(UnknownNameError, match=r"portfolio\.book"):
        opened.inline_books({"portfolio": {"book": "unicorn"}})


@pytest.mark.parametrize(
    "inputs", [{}, {"portfolio": 7}, {"portfolio": {"book": "sample", "label": "x"}}]
)
def test_other_inputs_are_left_as_they_are(inputs: dict[str, object], opened: Data) -> None:
    assert opened.inline_books(inputs) is inputs


def test_market_of_a_recorded_snapshot_comes_from_the_archive(opened: Data) -> None:
    assert opened.market_for(opened.market.snapshot) is opened.market
    with pytest.raises(StateError):
        opened.market_for("sha256:" + "0" * 64)


def test_last_date_of_a_book_is_the_last_that_its_data_share(opened: Data) -> None:
    assert opened.last_date(opened.books.load("sample")).isoformat() == "2022-12-28"
