"""A signer whose key never leaves a PKCS #11 token.

The key pair is Ed25519 (CKM_EDDSA). It is made in the token as sensitive and not extractable, so
that not even the token's owner can copy it.
"""

from pathlib import Path
from typing import cast

import pkcs11
from pkcs11 import KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from audit.canonical import JsonObject, text_field
from audit.errors import SignerFailedError
from audit.signed_note import Verifier

_POINT_BYTES = 32


class TokenSigner:
    """An Ed25519 key pair in a token."""

    def __init__(self, session: pkcs11.Session, *, label: str, name: str) -> None:
        """Find the key pair.

        Args:
            session: Open and logged in.
            label: Of both halves.
            name: Key name, which is the log's origin.

        Raises:
            SignerFailedError: The token has no such pair.
        """
        try:
            private = session.get_key(
                object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS, label=label
            )
            public = session.get_key(
                object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC_EDWARDS, label=label
            )
        except pkcs11.PKCS11Error as error:
            raise SignerFailedError(
                "token", expected=f"an Ed25519 key pair {label}", actual=repr(error)
            ) from error
        # The stubs promise a key of any kind; a private key of this type signs.
        self._private = cast("pkcs11.SignMixin", private)
        # The point comes as a DER octet string; its last 32 bytes are the key of RFC 8032.
        point = bytes(public[pkcs11.Attribute.EC_POINT])
        self._verifier = Verifier(name, point[-_POINT_BYTES:])

    @property
    def verifier(self) -> Verifier:
        """Name and public key."""
        return self._verifier

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of a message.

        Raises:
            SignerFailedError: The token does not sign.
        """
        try:
            return bytes(self._private.sign(message, mechanism=Mechanism.EDDSA))
        except pkcs11.PKCS11Error as error:
            raise SignerFailedError("token", expected="a signature", actual=repr(error)) from error


def open_session(module_path: Path, *, token: str, pin: str, is_writing: bool) -> pkcs11.Session:
    """Open a token.

    Args:
        module_path: The token's library.
        token: Its label.
        pin: Its user PIN.
        is_writing: Whether keys are to be made.

    Raises:
        SignerFailedError: The library, the token or the PIN is wrong.
    """
    try:
        library = pkcs11.lib(str(module_path))
        return library.get_token(token_label=token).open(user_pin=pin, rw=is_writing)
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise SignerFailedError(
            "token", expected=f"{token} in {module_path}", actual=repr(error)
        ) from error


def generate_key_pair(session: pkcs11.Session, *, label: str) -> None:
    """Make an Ed25519 key pair in a token.

    Raises:
        SignerFailedError: The token cannot.
    """
    try:
        parameters = session.create_domain_parameters(
            KeyType.EC_EDWARDS,
            {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")},
            local=True,
        )
        parameters.generate_keypair(
            mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, label=label, store=True
        )
    except pkcs11.PKCS11Error as error:
        raise SignerFailedError("token", expected="a new key pair", actual=repr(error)) from error


def destroy_private_key(session: pkcs11.Session, *, label: str) -> None:
    """Destroy the private half of a key pair in a token; where there is none, nothing happens.

    Raises:
        SignerFailedError: The token cannot.
    """
    try:
        key = session.get_key(
            object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS, label=label
        )
        key.destroy()
    except pkcs11.NoSuchKey:
        return
    except pkcs11.PKCS11Error as error:
        raise SignerFailedError("token", expected="a key gone", actual=repr(error)) from error


def make_token_signer(config: JsonObject) -> TokenSigner:
    """Open the token that a signer's first message names.

    Raises:
        SignerFailedError: It cannot be opened, or lacks the key.
        FormatError: The message lacks something.
    """
    field = "signer"
    session = open_session(
        Path(text_field(config, "module_path", field=field)),
        token=text_field(config, "token", field=field),
        pin=text_field(config, "pin", field=field),
        is_writing=False,
    )
    return TokenSigner(
        session,
        label=text_field(config, "label", field=field),
        name=text_field(config, "name", field=field),
    )
