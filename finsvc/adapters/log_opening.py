"""Opening the service's log for writing: which key is current, and which still signs beside it."""

import secrets
from pathlib import Path

from audit.log import Log
from audit.options import LogOptions
from audit.rotation import finish_rotation
from audit.signing import LogSigner
from finsvc.adapters.log_keys import LogKeys
from finsvc.adapters.log_terms import index_terms

_OPTIONS = LogOptions(terms=index_terms)


def open_log(directory: Path, keys: LogKeys, *, is_separate: bool) -> Log:
    """Open the log with its current key; the first time, make its keys and the log.

    The key before the current one signs checkpoints as well until it is retired.

    Args:
        directory: The log.
        keys: Its keys; made where there is no log yet.
        is_separate: Whether processes of their own hold the keys.

    Raises:
        AuditError: Keys and log do not belong together, are damaged or cannot be written.
    """
    keys.key.parent.mkdir(parents=True, exist_ok=True)
    if not directory.exists():
        # The origin gets a random part: logs of two installations are never taken for one.
        fresh = f"finsvc.local/{secrets.token_hex(8)}"
        place = keys.places()[-1] if keys.exist else keys.create(fresh)
        return _opened(directory, [keys.open_signer(place, is_separate=is_separate)], keys)
    keyring = finish_rotation(directory)
    places = [keys.find(keyring.current)]
    places += [
        place
        for place in keys.places()
        if place.verifier in keyring.verifiers[-2:-1] and place.is_private_here
    ]
    signers: list[LogSigner] = []
    try:
        signers.extend(keys.open_signer(place, is_separate=is_separate) for place in places)
    except BaseException:
        _close(signers)
        raise
    return _opened(directory, signers, keys)


def _opened(directory: Path, signers: list[LogSigner], keys: LogKeys) -> Log:
    signer, *previous = signers
    try:
        vault = keys.load_vault()
        if not directory.exists():
            origin = signer.verifier.name
            return Log.create(
                directory, origin=origin, signer=signer, vault=vault, options=_OPTIONS
            )
        return Log.open(
            directory,
            signer=signer,
            previous=next(iter(previous), None),
            vault=vault,
            options=_OPTIONS,
        )
    except BaseException:
        _close(signers)
        raise


def _close(signers: list[LogSigner]) -> None:
    for signer in signers:
        signer.close()
