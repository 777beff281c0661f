"""Keys in a PKCS #11 token; loaded only where the settings name one, since its package is optional.

A session is opened for each use: the signer's own process holds the one that signs.
"""

from pathlib import Path

from audit.hsm import TokenSigner, destroy_private_key, generate_key_pair, open_session
from audit.signed_note import Verifier


class Token:
    """A token that makes and destroys keys."""

    def __init__(self, module_path: Path, *, name: str, pin: str) -> None:
        """Name it.

        Args:
            module_path: Its library.
            name: Its label.
            pin: Its user PIN.
        """
        self._module_path, self._name, self._pin = module_path, name, pin

    def make_key(self, label: str, *, origin: str) -> Verifier:
        """Make a key pair and return its public half.

        Raises:
            SignerFailedError: The token cannot.
        """
        with open_session(
            self._module_path, token=self._name, pin=self._pin, is_writing=True
        ) as session:
            generate_key_pair(session, label=label)
            return TokenSigner(session, label=label, name=origin).verifier

    def destroy_key(self, label: str) -> None:
        """Destroy the private half of a key pair.

        Raises:
            SignerFailedError: The token cannot.
        """
        with open_session(
            self._module_path, token=self._name, pin=self._pin, is_writing=True
        ) as session:
            destroy_private_key(session, label=label)
