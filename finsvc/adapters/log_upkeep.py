"""Stamping the log from time to time while the service runs.

The service acts in its own name and by its own role; each stamp is decided by policy and on record
like one that a person orders. A log that only holds the record of its last stamp is left alone.
"""

import logging
import threading
from collections.abc import Callable

from finsvc.domain.custody import Operation, Order
from finsvc.domain.errors import FinsvcError
from finsvc.domain.policy import Principal
from finsvc.services.custody import Custody

SERVICE = Principal(id="finsvc:service", roles=frozenset({"custodian"}))
_ORDER = Order(operation=Operation.STAMP, reason="periodic time stamp")
# Of a stamp: the order stands before it, the outcome behind it.
_OWN_RECORDS = 1

_logger = logging.getLogger(__name__)


class Stamper:
    """Orders a time stamp after each interval."""

    def __init__(
        self, custody: Custody, num_unstamped: Callable[[], int], *, interval_s: float
    ) -> None:
        """Prepare; `start` begins.

        Args:
            custody: Does it.
            num_unstamped: Records that no stamp covers.
            interval_s: Time between stamps.
        """
        self._custody, self._num_unstamped = custody, num_unstamped
        self._interval_s = interval_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-stamps", daemon=True)

    def start(self) -> None:
        """Begin; the first stamp comes at once where the log has grown."""
        self._thread.start()

    def close(self) -> None:
        """End; a stamp under way is waited for."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            if self._num_unstamped() > _OWN_RECORDS:
                self._stamp()
            if self._closing.wait(self._interval_s):
                return

    def _stamp(self) -> None:
        try:
            self._custody(_ORDER, SERVICE)
        except FinsvcError as error:
            # The next one covers all that this one would have.
            _logger.warning("audit_stamp_failed", extra={"code": error.code, "error": str(error)})
