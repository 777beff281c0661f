"""Settings of the audit log: ``FINSVC_AUDIT_…`` variables, a group of `finsvc.settings`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

# The derivation of key files is cheap, so a passphrase must be random: 128 bits in hexadecimal.
PASSPHRASE_CHARACTERS_MIN = 32
_HTTP = r"^https?://\S+$"
_SECOND = timedelta(seconds=1)


class AuditSettings(BaseModel):
    """Everything an operator may set about the audit log.

    Attributes:
        passphrase: What the key files and the vault are encrypted under. Without it and without a
            file, one is made on first start and lies beside the keys.
        passphrase_file: File with the passphrase instead, readable by its owner alone.
        pkcs11_module: Library of a PKCS #11 token that holds the signing key instead of a file.
        pkcs11_token: Label of the token.
        pkcs11_label: Label of the key pair; made on first start, later ones get a number.
        pkcs11_pin: The token's user PIN.
        pkcs11_pin_file: File with the PIN instead, readable by its owner alone.
        tsa_url: RFC 3161 time stamp authority; unset means no stamps.
        tsa_roots: PEM file of the certificates that the authority's is checked against.
        tsa_interval: Time between stamps; a log that has not grown is not stamped again.
        retention_file: JSON file of retention rules; without it records are kept for five years.
        witnesses: Each a submission prefix and the witness's public keys, separated by spaces.
        witness_quorum: How many witnesses must have cosigned a record.
        witness_interval: Time between requests for cosignatures.
        witness_timeout: How long a silent witness is waited for; also an answer, if required.
        witness_require: Whether an answer waits until the quorum has cosigned its record.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    passphrase: Annotated[SecretStr, Field(min_length=PASSPHRASE_CHARACTERS_MIN)] | None = None
    passphrase_file: Path | None = None
    pkcs11_module: Path | None = None
    pkcs11_token: str = "finsvc"  # noqa: S105 - a label
    pkcs11_label: Annotated[str, Field(min_length=1)] = "finsvc-log"
    pkcs11_pin: SecretStr | None = None
    pkcs11_pin_file: Path | None = None
    tsa_url: Annotated[str, Field(pattern=_HTTP)] | None = None
    tsa_roots: Path | None = None
    tsa_interval: Annotated[timedelta, Field(ge=_SECOND)] = timedelta(hours=1)
    retention_file: Path | None = None
    witnesses: tuple[str, ...] = ()
    witness_quorum: Annotated[int, Field(ge=1, le=16)] = 1
    witness_interval: Annotated[timedelta, Field(ge=_SECOND)] = timedelta(minutes=1)
    witness_timeout: Annotated[timedelta, Field(ge=_SECOND, le=timedelta(minutes=1))] = timedelta(
        seconds=5
    )
    witness_require: bool = False

    @model_validator(mode="after")
    def _fit(self) -> Self:
        """Refuse settings that would have no effect or contradict each other."""
        pairs = (
            (self.passphrase and self.passphrase_file, "passphrase or passphrase_file, not both"),
            (self.pkcs11_pin and self.pkcs11_pin_file, "pkcs11_pin or pkcs11_pin_file, not both"),
            (
                self.pkcs11_module and not (self.pkcs11_pin or self.pkcs11_pin_file),
                "pkcs11_pin or pkcs11_pin_file beside pkcs11_module",
            ),
            (bool(self.tsa_url) != bool(self.tsa_roots), "tsa_url and tsa_roots together"),
            (
                self.witnesses and self.witness_quorum > len(self.witnesses),
                "a witness_quorum that the witnesses can meet",
            ),
            (self.witness_require and not self.witnesses, "witnesses for witness_require"),
        )
        for is_wrong, expected in pairs:
            if is_wrong:
                raise ValueError(f"expected {expected}")
        return self
