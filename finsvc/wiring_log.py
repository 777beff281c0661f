"""Opens the log with everything that looks after it: witnesses, time stamps, custody.

Apart from `finsvc.wiring`, since custody needs no model: a command for it starts in a second.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from audit.witnessing import Witnessing
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.build import Build
from finsvc.adapters.clock import SystemClock
from finsvc.adapters.custody import Custodian
from finsvc.adapters.log_keys import LogKeys
from finsvc.adapters.log_upkeep import Stamper
from finsvc.adapters.log_witnesses import FOLDER, open_witnessing
from finsvc.adapters.policies import CedarPolicies
from finsvc.services.custody import Custody
from finsvc.settings import Settings
from finsvc.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLog:
    """The log and the use case that looks after it."""

    audit: AuditLog
    custody: Custody


@contextmanager
def open_audit(
    settings: Settings,
    policy: CedarPolicies,
    *,
    build: Build | None = None,
    telemetry: Telemetry | None = None,
    is_served: bool = False,
) -> Iterator[OpenedLog]:
    """Open the log for writing, and close it with all that was begun for it.

    Args:
        settings: Name the data directory; `audit` says the rest.
        policy: Decides about acts of custody.
        build: What this process is made of.
        telemetry: Where it is counted how far witnesses and stamps are behind.
        is_served: Whether witnesses and the time stamp authority are asked from time to time.

    Raises:
        AuditError: The log is damaged, or keys do not belong to it.
        StateError: A setting names something that is not there.
    """
    given, key_file = settings.audit, settings.data_dir / "keys" / "log.pem"
    with ExitStack() as stack:
        audit = AuditLog.open(
            settings.data_dir / "log",
            key_file,
            is_signer_separate=True,
            build=build,
            settings=given,
        )
        stack.callback(audit.close)
        witnessing = _open_witnessing(audit, settings, stack, is_served=is_served)
        custodian = Custodian(
            audit.log,
            LogKeys(key_file, given),
            given,
            is_signer_separate=True,
            standings=tuple if witnessing is None else witnessing.standings,
        )
        custody = Custody(custodian=custodian, policy=policy, log=audit, clock=SystemClock())
        if is_served and given.tsa_url is not None:
            stamper = Stamper(
                custody,
                custodian.num_unstamped,
                interval_s=given.tsa_interval.total_seconds(),
            )
            stack.callback(stamper.close)
            stamper.start()
        if telemetry is not None:
            telemetry.watch_log(
                unwitnessed=None if witnessing is None else lambda: witnessing.num_behind,
                unstamped=None if given.tsa_url is None else custodian.num_unstamped,
            )
        yield OpenedLog(audit=audit, custody=custody)


def _open_witnessing(
    audit: AuditLog, settings: Settings, stack: ExitStack, *, is_served: bool
) -> Witnessing | None:
    """Begin to have the log cosigned; answers wait for it only where that is required."""
    given = settings.audit
    if not is_served and not given.witness_require:
        return None
    witnessing = open_witnessing(audit.log, settings.data_dir / FOLDER, given)
    if witnessing is None:
        return None
    stack.callback(witnessing.close)
    if given.witness_require:
        timeout_s = given.witness_timeout.total_seconds()
        audit.confirm_with(lambda index: witnessing.wait_for(index, timeout_s=timeout_s))
    return witnessing
