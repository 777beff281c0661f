"""Custody of the log in this process, for commands when no service runs; loads no model."""

from collections.abc import Iterator
from contextlib import contextmanager

from finsvc.adapters.identities import LocalIdentities
from finsvc.adapters.policies import CedarPolicies
from finsvc.commands.backend import CustodyBackend, Json
from finsvc.data import LOCAL_PRINCIPAL
from finsvc.domain.custody import Order, View
from finsvc.domain.errors import InputError
from finsvc.domain.policy import Principal
from finsvc.files import exclusive_lock
from finsvc.logging import configure_logging
from finsvc.services.custody import Custody
from finsvc.settings import Settings
from finsvc.wiring_log import open_audit


class LocalCustody:
    """Implements `CustodyBackend` as one principal."""

    def __init__(self, custody: Custody, principal: Principal) -> None:
        self._custody, self._principal = custody, principal

    def operate(self, order: Order) -> Json:
        """Do what is ordered."""
        return self._custody(order, self._principal)

    def look(self, view: View) -> Json:
        """Show something of the log's custody."""
        return self._custody.view(view, self._principal)


@contextmanager
def open_custody(settings: Settings, key: str | None) -> Iterator[CustodyBackend]:
    """Open the log as the holder of a key, or as the local user.

    Raises:
        InputError: The key is nobody's, or there is no log yet.
        StateError: A service runs, or a setting names something that is not there.
    """
    configure_logging(settings.log_level)
    if not (settings.data_dir / "log").is_dir():
        raise InputError(
            field="data_dir", expected="a data directory with a log", actual=str(settings.data_dir)
        )
    with exclusive_lock(settings.data_dir / "lock"):
        principal = _principal(settings, key)
        with open_audit(settings, CedarPolicies(settings.data_dir / "bundles")) as opened:
            yield LocalCustody(opened.custody, principal)


def _principal(settings: Settings, key: str | None) -> Principal:
    if key is None:
        return LOCAL_PRINCIPAL
    found = LocalIdentities(settings.data_dir / "identities.json").authenticate(key)
    if found is None:
        raise InputError(field="key-file", expected="a key of this service", actual="another")
    return found
