"""Witnesses on the audit package: one of our own, and asking those of others for a cosignature.

A witness's folder holds `ed25519.pem` and `ml-dsa-44.pem`, encrypted under `passphrase`, the name
in `name`, and its memory in `state`. It belongs to somebody other than who runs the log.
"""

import secrets
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from audit.cosignature import CosignatureVerifier, Cosigner
from audit.errors import KeyFileError
from audit.filesystem import RealFileSystem, replace_file
from audit.log import Log
from audit.signed_note import Verifier
from audit.witness import Witness, WitnessAnswer, WitnessRequest
from audit.witness_client import ask_over_http, have_cosigned, make_request, take_answer
from audit.witness_server import WitnessServer

_KEYS = ("ed25519.pem", "ml-dsa-44.pem")


def create_witness(folder: Path, name: str) -> list[str]:
    """Make a witness's keys and return their public halves.

    Raises:
        KeyFileError: There are keys already.
        FormatError: The name cannot be a key name.
    """
    private: list[Ed25519PrivateKey | MLDSA44PrivateKey]
    private = [Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()]
    vkeys = [Cosigner(name, key).verifier.vkey for key in private]
    if (folder / "name").exists():
        raise KeyFileError("witness folder", expected="no keys yet", actual=str(folder))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files, passphrase = RealFileSystem(), secrets.token_hex(32).encode()
    replace_file(files, folder / "passphrase", passphrase + b"\n")
    for file, key in zip(_KEYS, private, strict=True):
        pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)
        )
        replace_file(files, folder / file, pem)
    replace_file(files, folder / "name", f"{name}\n".encode())
    files.sync_directory(folder)
    return vkeys


def open_witness(folder: Path, log_vkeys: Sequence[str]) -> Witness:
    """Open a witness for the logs of these keys.

    Raises:
        AuditError: Its keys are absent or damaged, or another process has it.
    """
    try:
        name = (folder / "name").read_text().strip()
        passphrase = (folder / "passphrase").read_bytes().strip()
        private = [
            load_pem_private_key((folder / file).read_bytes(), password=passphrase)
            for file in _KEYS
        ]
    except (OSError, ValueError) as error:
        raise KeyFileError("witness folder", expected="its keys", actual=str(error)) from error
    cosigners = [
        Cosigner(name, key)
        for key in private
        if isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey)
    ]
    logs: dict[str, list[Verifier]] = {}
    for vkey in log_vkeys:
        verifier = Verifier.parse(vkey)
        logs.setdefault(verifier.name, []).append(verifier)
    return Witness(
        folder / "state", cosigners=cosigners, logs=logs, clock_s=lambda: int(time.time())
    )


def serve_witness(folder: Path, log_vkeys: Sequence[str], *, host: str, port: int) -> None:
    """Answer requests over HTTP until interrupted.

    Raises:
        AuditError: The witness cannot be opened.
        OSError: The address cannot be bound.
    """
    with WitnessServer((host, port), open_witness(folder, log_vkeys)) as server:
        server.serve_forever()


def answer_file(folder: Path, log_vkeys: Sequence[str], request: bytes) -> tuple[int, str]:
    """Answer a request that came as a file; return status and text.

    Raises:
        AuditError: The witness cannot be opened, or must not cosign.
    """
    witness = open_witness(folder, log_vkeys)
    try:
        answer = witness.add_checkpoint(request)
    finally:
        witness.close()
    return int(answer.status), answer.body


def request_file(log_directory: Path, *, old_size: int) -> str:
    """Return the request to carry to a witness.

    Raises:
        AuditError: There is no such log, or it is smaller than the witness knows it.
    """
    return make_request(Log.open(log_directory), old_size=old_size).text


def take_answer_file(request: bytes, answer: str, witness_vkeys: Sequence[str]) -> str:
    """Return a request's checkpoint with the cosignatures of an answer that came as a file.

    Raises:
        AuditError: The answer is a refusal, or not by a trusted witness.
    """
    return take_answer(
        WitnessRequest.parse(request),
        WitnessAnswer(status=HTTPStatus.OK, body=answer),
        witnesses=[CosignatureVerifier.parse(vkey) for vkey in witness_vkeys],
    )


def ask_witness(
    log_directory: Path, url: str, witness_vkeys: Sequence[str], *, old_size: int
) -> str:
    """Have a log's checkpoint cosigned over HTTP and return it.

    Raises:
        AuditError: The witness refuses or does not answer, or its cosignature is wrong.
    """
    return have_cosigned(
        Log.open(log_directory),
        ask_over_http(url),
        old_size=old_size,
        witnesses=[CosignatureVerifier.parse(vkey) for vkey in witness_vkeys],
    )
