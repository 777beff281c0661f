"""A running service of the same data directory, over HTTP on this machine."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import httpx

from finsvc.commands.backend import AskInput, Json, ReportInput, Say
from finsvc.commands.output import RemoteError
from finsvc.commands.steps import step_line
from finsvc.domain.custody import Order, View
from finsvc.domain.errors import InputError
from finsvc.domain.policy import CAPACITY_HEADERS, Capacity
from finsvc.files import write_atomically
from finsvc.services.replay_selection import Selection
from finsvc.settings import Settings

SERVICE_FILE = "service.json"
KEY_FILE = "local.token"

_PROBE_S = 2.0
# The service itself ends what takes too long; this only ends waiting for one that died.
_ANSWER_S = 900.0


def find_service(settings: Settings, *, key: str | None = None) -> "RemoteBackend | None":
    """The service that runs on the data directory, None when none answers.

    Args:
        settings: Name the data directory.
        key: Of the person who acts; by default the local user's.
    """
    try:
        document = json.loads((settings.data_dir / SERVICE_FILE).read_text(encoding="utf-8"))
        url = str(document["url"])
        token = key or (settings.data_dir / KEY_FILE).read_text(encoding="utf-8").strip()
        httpx.get(f"{url}/healthz", timeout=_PROBE_S).raise_for_status()
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        # A service that was killed leaves its files behind; the next one replaces them.
        return None
    client = httpx.Client(
        base_url=url,
        headers={"authorization": f"Bearer {token}"},
        timeout=httpx.Timeout(_ANSWER_S, connect=_PROBE_S),
    )
    return RemoteBackend(client)


class RemoteBackend:
    """Implements `Backend` over HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __enter__(self) -> "RemoteBackend":
        return self

    def __exit__(self, *details: object) -> None:
        self._client.close()

    def ask(self, question: AskInput, say: Say) -> Json:
        """Answer a question, its steps as they happen."""
        body = {
            "question": question.question,
            "book": question.book,
            "as_of": None if question.as_of is None else question.as_of.isoformat(),
            "documents": dict(question.documents),
            "stream": True,
        }
        try:
            with self._client.stream(
                "POST",
                f"/v1/agents/{question.agent}/runs",
                json=body,
                headers=_capacity_headers(question.capacity),
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise _remote_error(answer.json(), answer.status_code)
                for name, document in _events(answer.iter_lines()):
                    if name == "decision":
                        return document
                    if name == "error":
                        raise _remote_error(document, httpx.codes.INTERNAL_SERVER_ERROR)
                    say(
                        step_line(
                            str(document["event"]), str(document["tool"]), str(document["detail"])
                        )
                    )
        except httpx.HTTPError as error:
            raise _lost(error) from error
        raise _lost(None)

    def run_calculator(self, name: str, inputs: Json) -> Json:
        """Run a calculator."""
        return self._call("POST", f"/v1/calculators/{name}", dict(inputs))

    def explain_calculator(
        self, name: str, before: Json, after: Json, *, field: str | None
    ) -> Json:
        """Tell which inputs moved a calculator's result."""
        body = {"before": dict(before), "after": dict(after), "field": field}
        return self._call("POST", f"/v1/calculators/{name}/explain", body)

    def run_report(self, report: ReportInput) -> Json:
        """Run a report and write the files that came with it.

        Raises:
            StateError: The folder cannot be written.
        """
        body = {
            "name": report.name,
            "book": report.book,
            "as_of": None if report.as_of is None else report.as_of.isoformat(),
        }
        document = self._call("POST", "/v1/reports", body)
        files = cast("Mapping[str, str]", document["files"])
        for name, content in files.items():
            # A bare name: nothing that a service sends may leave the folder.
            write_atomically(report.out / Path(name).name, content.encode())
        return {**document, "files": {name: str(report.out / name) for name in files}}

    def pending(self) -> list[Json]:
        """Held answers that the caller may decide about."""
        return cast("list[Json]", self._call("GET", "/v1/approvals")["data"])

    def decide(self, decision_id: str, verdict: str, comment: str) -> Json:
        """Release or reject a held answer."""
        body = {"verdict": verdict, "comment": comment}
        return self._call("POST", f"/v1/approvals/{decision_id}", body)

    def replay(self, decision_id: str, level: str) -> Json:
        """Derive a decision again."""
        body = {"decision_id": decision_id, "level": level}
        return self._call("POST", "/v1/audit/replays", body)

    def replay_many(self, selection: Selection, level: str, say: Say) -> list[Json]:
        """Derive decisions again, with one record of all."""
        say("replaying in the running service")
        body = {"selection": selection.to_json(), "level": level}
        return cast("list[Json]", self._call("POST", "/v1/audit/replays", body)["replays"])

    def what_if(self, selection: Selection, bundle: Path) -> Json:
        """Refuse: a service evaluates its own bundle alone.

        Raises:
            InputError: Always.
        """
        expected = "a data directory, or a copy, on which no service runs"
        raise InputError(field="bundle", expected=expected, actual="a running service")

    def what_if_model(self, selection: Selection, model: Path) -> Json:
        """Refuse: a service runs its own model alone.

        Raises:
            InputError: Always.
        """
        expected = "a data directory, or a copy, on which no service runs"
        raise InputError(field="model", expected=expected, actual="a running service")

    def operate(self, order: Order) -> Json:
        """Do an act of custody."""
        body = {
            "operation": order.operation.value,
            "reason": order.reason,
            "hold": order.hold,
            "records": list(order.record_ids),
            "data_subject": order.data_subject,
        }
        return self._call("POST", "/v1/audit/operations", body)

    def look(self, view: View) -> Json:
        """Show something of the log's custody."""
        return self._call("GET", f"/v1/audit/custody/{view.value}")

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        try:
            answer = self._client.request(method, path, json=body)
            document = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _lost(error) from error
        if answer.is_error:
            raise _remote_error(document, answer.status_code)
        return cast("Json", document)


def read_key(path: Path | None) -> str | None:
    """An API key from a file.

    Raises:
        OSError: The file cannot be read.
    """
    return None if path is None else path.read_text(encoding="utf-8").strip()


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Json]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def _capacity_headers(capacity: Capacity) -> dict[str, str]:
    return {
        header: text
        for name, header in CAPACITY_HEADERS.items()
        if (text := getattr(capacity, name))
    }


def _remote_error(document: object, status: int) -> RemoteError:
    error = document.get("error") if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return RemoteError(
            code="internal_error",
            message=f"the service answered with status {status} and no explanation",
            field=None,
            status=status,
        )
    param = error.get("param")
    return RemoteError(
        code=str(error.get("code")),
        message=str(error.get("message")),
        field=param if isinstance(param, str) else None,
        status=status,
    )


def _lost(error: Exception | None) -> RemoteError:
    reason = "the connection ended" if error is None else type(error).__name__
    return RemoteError(
        code="unavailable",
        message=f"expected an answer of the running service, got none ({reason})",
        field=None,
        status=httpx.codes.SERVICE_UNAVAILABLE,
    )
