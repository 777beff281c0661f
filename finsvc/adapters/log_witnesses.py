"""The witnesses of the running service's log, as the settings name them.

Each setting is a submission prefix and the public keys of the witness there, separated by spaces.
Cosigned checkpoints are kept in `witnessed` beside the log: what an auditor holds against it.
"""

from pathlib import Path

from audit.cosignature import CosignatureVerifier
from audit.errors import FormatError, WitnessQuorumError, WitnessRefusedError
from audit.reader import Reader
from audit.witness_client import ask_over_http
from audit.witnessing import Peer, Witnessing
from finsvc.domain.errors import StateError
from finsvc.settings_audit import AuditSettings

FOLDER = "witnessed"


def open_witnessing(log: Reader, folder: Path, settings: AuditSettings) -> Witnessing | None:
    """Begin to have the log cosigned; None where no witness is named. The caller closes it.

    Args:
        log: The log.
        folder: Where cosigned checkpoints are kept.
        settings: The witnesses.

    Raises:
        StateError: A witness is named wrongly.
        AuditError: A kept checkpoint is damaged, or covers more than the log holds.
    """
    if not settings.witnesses:
        return None
    timeout_s = settings.witness_timeout.total_seconds()
    try:
        peers = [_parse(text, timeout_s=timeout_s) for text in settings.witnesses]
        witnessing = Witnessing(
            log,
            peers,
            folder=folder,
            quorum=settings.witness_quorum,
            interval_s=settings.witness_interval.total_seconds(),
        )
    except (FormatError, WitnessQuorumError, WitnessRefusedError) as error:
        raise StateError(f"audit_witnesses: {error}") from error
    witnessing.start()
    return witnessing


def _parse(text: str, *, timeout_s: float) -> Peer:
    url, *vkeys = text.split()
    keys = tuple(CosignatureVerifier.parse(vkey) for vkey in vkeys)
    if len({key.name for key in keys}) != 1:
        raise FormatError("witness", expected="a URL and keys of one name", actual=text[:80])
    return Peer(keys=keys, ask=ask_over_http(url, timeout_s=timeout_s))
