"""``finsvc audit replay`` and ``what-if``: derive decisions again, by their own rules or others."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from finsvc.commands import common, output, render
from finsvc.commands.backend import Json
from finsvc.commands.output import ExitCode
from finsvc.domain.errors import InputError
from finsvc.services.replay import Level
from finsvc.services.replay_selection import Selection

_SEED_BYTES = 8
_POLICY_COLUMNS = ("decision_id", "action", "recorded", "derived")
_MODEL_COLUMNS = ("decision_id", "turn", "difference")


Start = Annotated[
    str | None,
    typer.Option("--from", metavar="INDEX|TIME", help="First index of the log, or earliest time."),
]
Stop = Annotated[
    str | None,
    typer.Option("--to", metavar="INDEX|TIME", help="Last index, or the time to stop before."),
]
Sample = Annotated[int | None, typer.Option(min=1, help="How many to draw at random.")]
Seed = Annotated[str | None, typer.Option(help="Seed of a draw to repeat; fresh by default.")]


def replay(
    decision_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Decision to replay.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Replay every decision.")] = False,
    start: Start = None,
    stop: Stop = None,
    sample: Sample = None,
    seed: Seed = None,
    level: Annotated[Level, typer.Option(help="How much is derived again.")] = Level.R3,
    as_json: common.JsonFlag = False,
) -> None:
    """Re-execute decisions and compare: signature, policies, calculators, tokens, logits.

    Exit code 4 when something differs. The replay itself becomes a record of the log.

    For example:

      finsvc audit replay dec_0123... --level R3

      finsvc audit replay --all --level R4 --json

      finsvc audit replay --from 2026-03-02T00:00Z --to 2026-03-03T00:00Z --sample 50
    """
    chosen = _selection(start, stop, sample=sample, seed=seed)
    is_many = every or chosen != Selection()
    if (decision_id is None) is not is_many:
        actual = "both" if is_many else "neither"
        raise InputError(field="ID", expected="an id, --all or a range", actual=actual)
    with common.open_backend(common.load_settings()) as backend:
        if decision_id is not None:
            output.progress(f"replaying {decision_id}")
            replays = [backend.replay(decision_id, level.value)]
        else:
            replays = backend.replay_many(chosen, level.value, output.progress)
    is_ok = all(item["ok"] is True for item in replays)
    if as_json:
        document = {"ok": is_ok, "level": level.value, "replays": replays}
        output.emit_json(document | ({"selection": chosen.to_json()} if is_many else {}))
    else:
        render.show_table(
            output.out,
            ("decision", *(item.value for item in Level if item <= level)),
            [_row(item, level) for item in replays],
        )
        _show_details(replays)
    if not is_ok:
        raise typer.Exit(ExitCode.CHECK_FAILED)


def what_if(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="[BUNDLE]", help="Folder of a policy bundle.")
    ] = None,
    *,
    model: Annotated[
        Path | None, typer.Option(help="Folder of another model of the same vocabulary instead.")
    ] = None,
    start: Start = None,
    stop: Stop = None,
    sample: Sample = None,
    seed: Seed = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Tell which past decisions another policy bundle or model makes otherwise. Changes nothing.

    For example:

      finsvc audit what-if ./new-bundle --from 2026-03-01T00:00Z

      finsvc audit what-if --model ./new-model --sample 50
    """
    chosen = _selection(start, stop, sample=sample, seed=seed)
    with common.open_backend(common.load_settings()) as backend:
        if bundle is not None and model is None:
            found = backend.what_if(chosen, bundle)
        elif model is not None and bundle is None:
            found = backend.what_if_model(chosen, model)
        else:
            actual = "neither" if bundle is None else "both"
            raise InputError(field="BUNDLE", expected="a bundle or --model", actual=actual)
    if as_json:
        output.emit_json(found)
        return
    changes = found["changes"]
    rows = (
        [change for change in changes if isinstance(change, dict)]
        if isinstance(changes, list)
        else []
    )
    what = "decisions" if model is not None else "policy decisions"
    output.out.print(f"{found['decisions']} decisions, {len(rows)} {what} change.")
    names = _MODEL_COLUMNS if model is not None else _POLICY_COLUMNS
    if rows:
        render.show_table(output.out, names, [[row[name] for name in names] for row in rows])


def _selection(
    start: str | None, stop: str | None, *, sample: int | None, seed: str | None
) -> Selection:
    fresh = secrets.token_hex(_SEED_BYTES) if sample is not None else ""
    return Selection(
        first=_index(start),
        last=_index(stop),
        since=_time("from", start),
        until=_time("to", stop),
        sample=sample,
        seed=fresh if seed is None else seed,
    )


def _index(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _time(field: str, text: str | None) -> datetime | None:
    if text is None or text.isdecimal():
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        expected = "an index or a time such as 2026-03-02T09:00Z"
        raise InputError(field=field, expected=expected, actual=repr(text)) from error


def _row(item: Json, level: Level) -> list[object]:
    levels = item["levels"]
    outcomes = levels if isinstance(levels, dict) else {}
    shown = [outcomes.get(one.value, "-") for one in Level if one <= level]
    return [item["decision_id"], *shown]


def _show_details(replays: list[Json]) -> None:
    for item in replays:
        details = item["details"]
        for name, detail in details.items() if isinstance(details, dict) else ():
            output.out.print(f"{item['decision_id']} {name}: {detail}", markup=False)
