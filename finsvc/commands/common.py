"""Options and helpers that several commands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from finsvc.commands import lazy, output
from finsvc.commands.backend import Backend, CustodyBackend
from finsvc.commands.remote import find_service, read_key
from finsvc.domain.errors import InputError
from finsvc.settings import Settings

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", help="File with the API key to act with at the running service."),
]


def load_settings(**given: object) -> Settings:
    """Settings from the environment, single ones replaced by options.

    Raises:
        InputError: A setting is out of its bounds; it is named.
    """
    try:
        return Settings.model_validate(
            {
                **Settings().model_dump(),
                **{name: value for name, value in given.items() if value is not None},
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "_".join(str(part) for part in first["loc"])
        raise InputError(
            field=f"FINSVC_{field.upper()}", expected=first["msg"], actual=repr(first["input"])
        ) from error


@contextmanager
def open_backend(settings: Settings, *, key_file: Path | None = None) -> Iterator[Backend]:
    """The running service, else one in this process.

    Raises:
        InputError: A key is given but no service runs, or its file cannot be read.
    """
    key = _key(key_file)
    remote = find_service(settings, key=key)
    if remote is not None:
        with remote:
            yield remote
        return
    if key is not None:
        raise InputError(
            field="key-file", expected="a running service to use the key at", actual="none"
        )
    with lazy.local_service().open_service(settings, output.progress) as backend:
        yield backend


@contextmanager
def open_custody(settings: Settings, *, key_file: Path | None = None) -> Iterator[CustodyBackend]:
    """The running service for acts of custody, else the log in this process, without a model.

    Raises:
        InputError: The key's file cannot be read, or the key is nobody's.
    """
    key = _key(key_file)
    remote = find_service(settings, key=key)
    if remote is not None:
        with remote:
            yield remote
        return
    with lazy.local_custody().open_custody(settings, key) as backend:
        yield backend


def _key(path: Path | None) -> str | None:
    try:
        return read_key(path)
    except OSError as error:
        raise InputError(
            field="key-file", expected="a readable file", actual=error.strerror or str(error)
        ) from error


def parse_date(text: str | None) -> date | None:
    """A date of an option.

    Raises:
        InputError: The text is no date.
    """
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError as error:
        raise InputError(
            field="as_of", expected="a date as YYYY-MM-DD", actual=repr(text)
        ) from error
