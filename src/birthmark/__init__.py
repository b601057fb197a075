"""Birthmark finds out whether a model was copied from yours, using only its predictions.

>>> from birthmark import Fingerprint, as_suspect                          # doctest: +SKIP
>>> fingerprint = Fingerprint.enroll(victim, images, references=references)  # doctest: +SKIP
>>> fingerprint.audit(suspect).verdict                                     # doctest: +SKIP
<Verdict.DERIVED: 'derived'>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from birthmark.audit.result import Result
    from birthmark.audit.verdict import Verdict
    from birthmark.common.errors import BirthmarkError
    from birthmark.data.images import Image, ImageSet
    from birthmark.data.outputs import Kind, Outputs
    from birthmark.evidence.package import Evidence, read_evidence
    from birthmark.evidence.verification import verify
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters import Declaration, Suspect, as_suspect

__all__ = [
    "BirthmarkError",
    "Declaration",
    "Evidence",
    "Fingerprint",
    "Image",
    "ImageSet",
    "Kind",
    "Outputs",
    "Result",
    "Suspect",
    "Verdict",
    "__version__",
    "as_suspect",
    "read_evidence",
    "verify",
]

_HOME = {
    "BirthmarkError": "common.errors",
    "Declaration": "models.adapters",
    "Evidence": "evidence.package",
    "Fingerprint": "fingerprint",
    "Image": "data.images",
    "ImageSet": "data.images",
    "Kind": "data.outputs",
    "Outputs": "data.outputs",
    "Result": "audit.result",
    "Suspect": "models.adapters",
    "Verdict": "audit.verdict",
    "as_suspect": "models.adapters",
    "read_evidence": "evidence.package",
    "verify": "evidence.verification",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `birthmark --help` starts at once."""
    if name in _HOME:
        return getattr(import_module(f"birthmark.{_HOME[name]}"), name)
    raise AttributeError(f"module 'birthmark' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
