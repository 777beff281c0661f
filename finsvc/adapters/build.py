"""What this process is made of, for the record: code, packages, settings and machine.

Each part has a digest of its own, so that a difference between two runs is named and not guessed.
The list of packages is the software bill of materials: name, version and the digest of the
installer's own list of files (`RECORD`), which holds the digest of each file.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from finsvc.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
# Parts of the code that act on a decision in different ways; a part may lie in another.
_PARTS = {
    "engine": "engine",
    "harmony": "engine/harmony",
    "kernels": "kernels",
    "policies": "policies",
    "audit": "audit",
    "finsvc": "finsvc",
    "agents": "finsvc/agents",
    "calculators": "finsvc/calculators",
    "validator": "finsvc/validator",
    "marketdata": "finsvc/marketdata",
}
_SOURCES = frozenset({".py", ".cedar", ".cedarschema", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What a process is made of.

    Attributes:
        code: Digests of the source by part.
        packages: Name, version and digest of every installed distribution.
        settings: Digest of the settings, without secrets and the data directory.
        python: Version of the interpreter.
        machine: Processor architecture and system.
    """

    code: Mapping[str, str]
    packages: tuple[Mapping[str, str], ...]
    settings: str
    python: str
    machine: str

    @property
    def sbom_digest(self) -> str:
        """Digest of the list of packages."""
        return _digest([dict(package) for package in self.packages])

    @property
    def digest(self) -> str:
        """Digest of everything."""
        return _digest(self.document())

    def document(self) -> dict[str, object]:
        """All of it, for a record of its own."""
        return {
            "code": dict(self.code),
            "packages": [dict(package) for package in self.packages],
            "sbom_digest": self.sbom_digest,
            "settings_digest": self.settings,
            "python": self.python,
            "machine": self.machine,
        }


def read_build(settings: Settings) -> Build:
    """Read what this process is made of."""
    return Build(
        code=code_digests(),
        packages=_packages(),
        settings=_digest(settings.model_dump(mode="json", exclude={"data_dir"})),
        python=platform.python_version(),
        machine=f"{platform.machine()} {platform.system()}",
    )


@cache
def code_digests() -> Mapping[str, str]:
    """Digests of the source by part, of the files that lie there now."""
    return {name: tree_digest(_ROOT / folder) for name, folder in _PARTS.items()}


def tree_digest(folder: Path) -> str:
    """Digest of the source files below a folder, their paths and contents."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SOURCES and path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            state.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return f"sha256:{state.hexdigest()}"


@cache
def _packages() -> tuple[Mapping[str, str], ...]:
    found: dict[str, Mapping[str, str]] = {}
    for distribution in metadata.distributions():
        name = distribution.name.lower().replace("_", "-")
        record = distribution.read_text("RECORD") or ""
        found[name] = {
            "name": name,
            "version": distribution.version,
            "record_sha256": hashlib.sha256(record.encode()).hexdigest(),
        }
    return tuple(found[name] for name in sorted(found))


def _digest(document: object) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
