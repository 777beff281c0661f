"""``make demo``: the whole way of a question on this machine, shown step by step.

Starts the service as a process of its own, asks three questions as any client would, shows the
source and the verdict of every number and the receipts, verifies the log, replays a decision, and
stops the service. Nothing is prepared: the answers are computed while you watch.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
from openai import OpenAI, OpenAIError
from rich.console import Console
from rich.table import Table

Json = Mapping[str, object]

_RISK = "What is the 10-day 99% VaR of the sample book?"
_COMPLIANCE = "Does the sample book breach any of its limits?"
_MARKET = "What is 5m EUR in USD?"

# The first start reads market data and loads the model; slow machines take a minute or two.
_START_S = 600.0
_STOP_S = 60.0
# One question may take this long here; a busy laptop is no reason for a demonstration to fail.
_ASK_TIMEOUT = "PT5M"
_HTTP_TIMEOUT_S = 420.0

_STEPS = 7
_LEVELS: Mapping[str, str] = {
    "R0": "signature and inclusion in the log",
    "R1": "every policy decision",
    "R2": "every calculator result, byte for byte",
    "R3": "every token that the model sampled",
}


class DemoError(Exception):
    """Something did not go as it must; the sentence says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where the service listens and the key of the local user."""

    url: str
    key: str


class _Show:
    """Prints numbered steps, answers and tables."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._step = 0

    def step(self, text: str) -> None:
        self._step += 1
        self.console.print(f"\n[{self._step}/{_STEPS}] {text}", style="bold", markup=False)

    def line(self, text: str) -> None:
        self.console.print(f"      {text}", markup=False)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something lasts, and afterwards how long it took."""
        started = time.monotonic()
        self.line(f"{text} …")
        with self.console.status(text):
            yield
        self.line(f"done in {time.monotonic() - started:.1f} s")

    def answer(self, answer: str, proof: Json) -> None:
        """Print an answer with the source and verdict of every number, and its receipt."""
        self.console.print()
        self.console.print(answer, markup=False, style="green")
        table = Table("number", "source", "confirmed by", "difference", "verdict")
        for claim in _objects(proof.get("claims")):
            source = _object(claim.get("source"))
            second = _object(claim.get("second"))
            table.add_row(
                str(claim.get("text")),
                f"{source.get('call')}.{source.get('field')}",
                str(second.get("method", "nothing")),
                _scientific(second.get("difference")),
                str(claim.get("verdict")),
            )
        self.console.print(table)
        receipt = _object(proof.get("receipt"))
        self.line(f"verdict: {proof.get('verdict')}; decision {proof.get('decision_id')}")
        self.line(
            f"receipt: record {receipt.get('index')} of {receipt.get('tree_size')}, "
            f"leaf {receipt.get('leaf_hash')}"
        )


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _scientific(value: object) -> str:
    """A difference to two digits: it is the size that matters."""
    if value is None:
        return ""
    difference = Decimal(str(value))
    return f"{difference:.1e}" if difference else "0"


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _announcement(data_dir: Path, process: "subprocess.Popen[bytes]") -> Service | None:
    """Read where our own service listens; None while it has not said so."""
    try:
        document = json.loads((data_dir / "service.json").read_text(encoding="utf-8"))
        key = (data_dir / "local.token").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    # A file that a killed service left behind names another process.
    return Service(url=document["url"], key=key) if document["pid"] == process.pid else None


def _is_ready(service: Service) -> bool:
    try:
        return httpx.get(f"{service.url}/readyz", timeout=5.0).is_success
    except httpx.HTTPError:
        return False


def _wait_until_ready(data_dir: Path, process: "subprocess.Popen[bytes]") -> Service:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoError(f"the service ended with exit code {process.returncode}; see above")
        service = _announcement(data_dir, process)
        if service is not None and _is_ready(service):
            return service
        time.sleep(0.1)
    raise DemoError(f"the service was not ready after {_START_S:.0f} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise DemoError(f"the service did not stop within {_STOP_S:.0f} s") from error
    if code != 0:
        raise DemoError(f"the service stopped with exit code {code}, expected 0")


@contextmanager
def running_service(data_dir: Path) -> Iterator[Service]:
    """Run the service on a free loopback port; SIGTERM ends it, and it must end well.

    Raises:
        DemoError: It does not start or does not stop.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    # `env` becomes the service, so the process is the one whose id it announces.
    command = [
        "env",
        f"FINSVC_DATA_DIR={data_dir.resolve()}",
        f"FINSVC_ASK_TIMEOUT={_ASK_TIMEOUT}",
        *(sys.executable, "-m", "finsvc.cli", "serve", "--host", "127.0.0.1", "--port", "0"),
    ]
    process = subprocess.Popen(command)  # noqa: S603 - our own interpreter and folder
    try:
        yield _wait_until_ready(data_dir, process)
        _stop(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _check(proof: Json, question: str) -> None:
    verdict = proof.get("verdict")
    if verdict != "verified":
        raise DemoError(
            f"{question!r}: expected the verdict verified, got {verdict}: {proof.get('reasons')}"
        )


def _ask_risk(service: Service, show: _Show) -> Json:
    """Ask through OpenAI's own client, as an existing application would."""
    show.step(f"Risk, through the openai client, model finsvc/risk: {_RISK}")
    client = OpenAI(base_url=f"{service.url}/v1", api_key=service.key, timeout=_HTTP_TIMEOUT_S)
    with show.waiting("asking"):
        completion = client.chat.completions.create(
            model="finsvc/risk", messages=[{"role": "user", "content": _RISK}]
        )
    proof = _object((completion.model_extra or {}).get("finsvc"))
    show.answer(completion.choices[0].message.content or "", proof)
    _check(proof, _RISK)
    return proof


def _ask_compliance(service: Service, show: _Show) -> None:
    """Ask through the agents API."""
    show.step(f"Compliance, through /v1/agents/compliance/runs: {_COMPLIANCE}")
    with show.waiting("asking"):
        proof = _call(service, "POST", "/v1/agents/compliance/runs", {"question": _COMPLIANCE})
    show.answer(str(proof.get("answer")), proof)
    _check(proof, _COMPLIANCE)


def _ask_market(service: Service, show: _Show) -> None:
    """Ask through OpenAI's client as a stream: progress first, the answer after its receipt."""
    show.step(f"Market data, streamed through the openai client, model finsvc/market: {_MARKET}")
    client = OpenAI(base_url=f"{service.url}/v1", api_key=service.key, timeout=_HTTP_TIMEOUT_S)
    stream = client.chat.completions.create(
        model="finsvc/market", messages=[{"role": "user", "content": _MARKET}], stream=True
    )
    answer = ""
    proof: Json = {}
    show.line("asking …")
    for chunk in stream:
        extra = _object((chunk.model_extra or {}).get("finsvc"))
        progress = _object(extra.get("progress"))
        if progress:
            show.line(" ".join(str(part) for part in progress.values() if part))
        elif extra:
            proof = extra
        if chunk.choices:
            answer += chunk.choices[0].delta.content or ""
    show.answer(answer, proof)
    _check(proof, _MARKET)


def _call(service: Service, method: str, path: str, body: Json | None = None) -> Json:
    response = httpx.request(
        method,
        f"{service.url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {service.key}"},
        timeout=_HTTP_TIMEOUT_S,
    )
    if not response.is_success:
        raise DemoError(f"{method} {path}: got HTTP {response.status_code}: {response.text}")
    return _object(response.json())


def _verify_log(service: Service, show: _Show) -> None:
    show.step("Verifying every byte of the log")
    report = _call(service, "GET", "/v1/audit/verification")
    if report.get("ok") is not True:
        raise DemoError(f"the log is damaged: {report.get('problems')}")
    show.line(f"{report.get('size')} records in order, key {report.get('vkey')}")


def _replay(service: Service, show: _Show, decision_id: object) -> None:
    show.step(f"Replaying decision {decision_id}")
    with show.waiting("executing it again"):
        body = {"decision_id": decision_id, "level": "R3"}
        report = _call(service, "POST", "/v1/audit/replays", body)
    levels = _object(report.get("levels"))
    for level, meaning in _LEVELS.items():
        show.line(f"{level}  {levels.get(level)!s:<10} {meaning}")
    if any(levels.get(level) != "match" for level in _LEVELS):
        raise DemoError(f"the replay differs: {report.get('details')}")


def run(data_dir: Path, show: _Show) -> None:
    """Show everything.

    Raises:
        DemoError: An answer is not verified, a check fails, or the service does not run.
    """
    show.step("Starting the service: market-data snapshot, model, policies, log")
    with running_service(data_dir) as service:
        show.line(f"ready on {service.url}")
        decision = _ask_risk(service, show)
        _ask_compliance(service, show)
        _ask_market(service, show)
        _verify_log(service, show)
        _replay(service, show, decision.get("decision_id"))
        show.step("Stopping the service")
    show.line("stopped")
    show.console.print(
        f"\nEverything was verified. The log and the books are in {data_dir}; "
        "make serve starts the service for good.",
        markup=False,
    )


def main(
    arguments: Sequence[str] | None = None, *, demo: Callable[[Path, _Show], None] = run
) -> int:
    """Run the demonstration; the exit code is 0 only if every answer was verified."""
    parser = argparse.ArgumentParser(prog="python -m finsvc.demo", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of its state")
    show = _Show()
    try:
        demo(parser.parse_args(arguments).data_dir, show)
    except (DemoError, httpx.HTTPError, OpenAIError) as error:
        show.console.print(f"\nThe demonstration failed: {error}", style="red", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
