"""A PostgreSQL server of this test run's own, on a port of this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FOLDERS = "/usr/lib/postgresql"
# The server refuses to run as root; its package makes this user.
_USER = "postgres"


def programs() -> Path:
    """Folder of its programs; their absence is a failure in CI, else the test is skipped."""
    found = sorted(Path(_FOLDERS).glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    message = f"no PostgreSQL under {_FOLDERS}; make servers installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a server with an empty database and yield its URL; it is gone afterwards."""
    folder = programs()
    home = Path(tempfile.mkdtemp(prefix="finsvc-postgresql-"))
    is_root = os.geteuid() == 0
    if is_root:
        shutil.chown(home, _USER)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [str(folder / program), "-D", str(home / "data"), *arguments]
        as_user = ["runuser", "-u", _USER, "--", *command] if is_root else command
        # What it prints goes to a file: the server would hold a pipe open.
        with (home / f"{program}.log").open("ab") as log:
            subprocess.run(  # noqa: S603 - the system's own programs
                as_user, check=True, stdout=log, stderr=log, cwd="/", timeout=120
            )

    try:
        run("initdb", "-A", "trust", "-U", _USER)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home}"
        run("pg_ctl", "-o", options, "-l", str(home / "server.log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
