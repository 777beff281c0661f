"""Settings of the service: one frozen object, read once at start from ``FINSVC_…`` variables."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from finsvc.services.materiality import MATERIAL_USD
from finsvc.settings_audit import AuditSettings

EMBEDDED = "embedded"


def _default_threads() -> int:
    """Two threads where that leaves cores for the rest of the machine, else one.

    Threads that wait for each other spin; on two cores of which one is busy elsewhere, two threads
    decode over a hundred times slower than one (measured: under 1 against 107 tokens a second).
    """
    return 2 if (os.cpu_count() or 1) > 2 else 1


class Settings(BaseSettings):
    """Everything an operator may set.

    Attributes:
        data_dir: Folder of all state: log, snapshot, books, keys. Created on first start.
        host: Address to listen on; loopback unless set, since the service has no TLS of its own.
        port: Port to listen on; 0 takes a free one.
        model: ``embedded`` or the folder of a gpt-oss checkpoint.
        threads: CPU threads of the engine; part of the engine's fingerprint. One where the machine
            has two cores or fewer, else two.
        device: Where the model runs: ``cpu``, ``cuda`` or one of several GPUs, ``cuda:1``; part of
            the engine's fingerprint.
        replay_processes: Processes, each with an engine of its own, that share a replay of many
            decisions on the command line; more than the cores hold only slows them.
        ask_timeout: How long one question may take before it is refused.
        material_usd: Answers with an amount at or above it are sampled again and must be as sure as
            the model's calibration asks; see ``finsvc model calibrate``.
        max_waiting: Questions that may wait for the engine; more are told to come back.
        database_url: Where stored responses lie, as SQLAlchemy writes it, for instance
            ``postgresql+psycopg://…``; unset means a SQLite file in the data directory.
        log_level: Level of the operational log, which is not the audit log.
        audit: Of the audit log, from ``FINSVC_AUDIT_…``, for instance ``FINSVC_AUDIT_TSA_URL``.
        otlp_endpoint: Where spans go, for instance ``http://127.0.0.1:4318``; unset means nowhere.
    """

    model_config = SettingsConfigDict(
        env_prefix="FINSVC_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    data_dir: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "finsvc")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8741
    model: str = EMBEDDED
    threads: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=_default_threads)
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:[0-9]{1,2})?)$")] = "cpu"
    replay_processes: Annotated[int, Field(ge=1, le=64)] = 1
    ask_timeout: Annotated[timedelta, Field(gt=timedelta(seconds=1), le=timedelta(minutes=10))] = (
        timedelta(seconds=60)
    )
    material_usd: Annotated[int, Field(ge=0)] = MATERIAL_USD
    max_waiting: Annotated[int, Field(ge=1, le=10_000)] = 64
    database_url: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    otlp_endpoint: str | None = None
    audit: AuditSettings = AuditSettings()
