"""Modules that are slow to import, loaded by the commands that need them.

The engine takes seconds to import, which help texts and a question to a running service need not
wait for. The Protocols of `finsvc.commands.backend` say what each module offers.
"""

from importlib import import_module
from typing import cast

from finsvc.commands.backend import (
    LocalCalculators,
    LocalCustody,
    LocalData,
    LocalLog,
    LocalModel,
    LocalService,
)


def local_service() -> LocalService:
    """The service in this process."""
    return cast("LocalService", import_module("finsvc.commands.local_service"))


def local_calculators() -> LocalCalculators:
    """The registry of calculators."""
    return cast("LocalCalculators", import_module("finsvc.commands.local_calculators"))


def local_data() -> LocalData:
    """Snapshot and books in this process."""
    return cast("LocalData", import_module("finsvc.commands.local_data"))


def local_custody() -> LocalCustody:
    """Custody of the log in this process."""
    return cast("LocalCustody", import_module("finsvc.commands.local_custody"))


def local_log() -> LocalLog:
    """The log's files."""
    return cast("LocalLog", import_module("finsvc.commands.local_log"))


def local_model() -> LocalModel:
    """Checkpoints."""
    return cast("LocalModel", import_module("finsvc.commands.local_model"))
