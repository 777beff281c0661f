"""``finsvc ask`` and ``finsvc serve``."""

from enum import StrEnum
from typing import Annotated

import typer

from finsvc.commands import common, lazy, output, render
from finsvc.commands.backend import AskInput
from finsvc.commands.calc import read_document
from finsvc.commands.output import ExitCode
from finsvc.domain.errors import InputError
from finsvc.domain.policy import Capacity

_WITHHELD = frozenset({"abstained", "needs_human"})


class Agent(StrEnum):
    """The agents, named here so that help texts need not load them; a test compares."""

    AUTO = "auto"
    RISK = "risk"
    COMPLIANCE = "compliance"
    MARKET = "market"


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    *,
    agent: Annotated[Agent, typer.Option(help="Which agent answers.")] = Agent.AUTO,
    book: Annotated[str | None, typer.Option(help="Book the question is about.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Date of the data, YYYY-MM-DD.")
    ] = None,
    client: Annotated[
        str, typer.Option(help="Client whose data the question holds; erasable by that name.")
    ] = "",
    purpose: Annotated[str, typer.Option(help="What the answer is for.")] = "",
    on_behalf_of: Annotated[str, typer.Option(help="Person or desk that you act for.")] = "",
    document: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE: a JSON document, such as trades or curves, that the question names."
        ),
    ] = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Ask a question: every number of the answer is computed, checked and signed.

    Uses the running service, else starts one for this question.

    Exit code: 0 answered, 2 bad input, 3 withheld (refused, abstained or waiting for approval),
    5 internal error.

    For example:

      finsvc ask "What is the 10-day 99% VaR of the sample book?"

      finsvc ask "How much is 5m EUR in USD?" --as-of 2022-06-30 --json

      finsvc ask "Is any limit breached?" --agent compliance --book sample

      finsvc ask "SA-CCR exposure of desk1?" --document desk1=trades.json
    """
    given = AskInput(
        question=question,
        agent=agent.value,
        book=book,
        as_of=common.parse_date(as_of),
        capacity=Capacity(client=client, purpose=purpose, on_behalf_of=on_behalf_of),
        documents=dict(map(_document, document or ())),
    )
    with common.open_backend(common.load_settings()) as backend:
        decision = backend.ask(given, output.progress)
    if as_json:
        output.emit_json(decision)
    else:
        render.show_decision(output.out, decision)
    if decision["held"] is True or decision["verdict"] in _WITHHELD:
        raise typer.Exit(ExitCode.WITHHELD)


def _document(option: str) -> tuple[str, object]:
    name, separator, file = option.partition("=")
    if not separator:
        raise InputError(field="document", expected="NAME=FILE", actual=repr(option))
    return name, read_document(file)


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address; loopback unless set.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    model: Annotated[
        str | None, typer.Option(help="'embedded' or the folder of a gpt-oss checkpoint.")
    ] = None,
) -> None:
    """Run the HTTP service until Ctrl-C or SIGTERM; running questions are finished first.

    The first start prints an API key of the local user, this once. Local commands find the service
    and its key by themselves.

    For example:

      finsvc serve

      finsvc serve --port 9000 --model /models/gpt-oss-20b
    """
    settings = common.load_settings(host=host, port=port, model=model)
    lazy.local_service().serve(settings, output.progress)
