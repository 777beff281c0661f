"""Responses in a database: SQLite in a file of its own by default, PostgreSQL by URL.

With its migrations the only place that imports SQLAlchemy and Alembic. The schema is brought up to
date when the database is opened.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from finsvc.domain.errors import StateError, UnavailableError
from finsvc.services.responses import StoredResponse

MIGRATIONS = Path(__file__).with_name("stored_responses_migrations")

_TABLE = sa.Table(
    "responses",
    sa.MetaData(),
    sa.Column("response_id", sa.String(80), primary_key=True),
    sa.Column("owner", sa.String(400)),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("previous_id", sa.String(80)),
    sa.Column("document", sa.Text),
    sa.Column("input_items", sa.Text),
)


def sqlite_url(path: Path) -> str:
    """URL of a file that only its owner may read; it is made if it is not there."""
    path.touch(mode=0o600, exist_ok=True)
    os.chmod(path, 0o600)
    return f"sqlite:///{path}"


@contextmanager
def open_stored_responses(url: str) -> Iterator["StoredResponses"]:
    """Open a database, its schema up to date, and close it at the end.

    Raises:
        StateError: It cannot be opened or brought up to date.
    """
    try:
        engine = sa.create_engine(url)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
        with engine.begin() as connection:
            _upgrade(connection)
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        # The error's own text may quote the URL, which may hold a password.
        message = f"database of responses: expected one that opens, got {type(error).__name__}"
        raise StateError(message) from error
    try:
        yield StoredResponses(engine)
    finally:
        engine.dispose()


class StoredResponses:
    """Implements the services' `ResponseStore`; safe to use from several threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, response: StoredResponse) -> None:
        """Keep a response durably, instead of one of the same identifier.

        Raises:
            UnavailableError: The database failed.
        """
        row = {
            "response_id": response.response_id,
            "owner": response.owner,
            "created_at": response.created_at,
            "previous_id": response.previous_id,
            "document": json.dumps(dict(response.document)),
            "input_items": json.dumps([dict(item) for item in response.input_items]),
        }
        with self._transaction() as connection:
            connection.execute(_of(response.response_id, sa.delete(_TABLE)))
            connection.execute(sa.insert(_TABLE), row)

    def find(self, response_id: str) -> StoredResponse | None:
        """The response of that identifier, if it is kept.

        Raises:
            UnavailableError: The database failed.
        """
        query = sa.select(_TABLE).where(_TABLE.c.response_id == response_id)
        with self._transaction() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return StoredResponse(
            response_id=row.response_id,
            owner=row.owner,
            created_at=row.created_at,
            previous_id=row.previous_id,
            document=json.loads(row.document),
            input_items=tuple(json.loads(row.input_items)),
        )

    def delete(self, response_id: str) -> None:
        """Forget a response.

        Raises:
            UnavailableError: The database failed.
        """
        with self._transaction() as connection:
            connection.execute(_of(response_id, sa.delete(_TABLE)))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise UnavailableError("the database of responses failed") from error


def _of(response_id: str, statement: sa.Delete) -> sa.Delete:
    return statement.where(_TABLE.c.response_id == response_id)


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, record: object) -> None:
    """Let readers and a writer work beside each other, and deleted content go from the file."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()
