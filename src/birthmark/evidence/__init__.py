"""An audit as a signed document that others can check and repeat."""

from birthmark.evidence.package import Evidence, read_evidence, write_evidence
from birthmark.evidence.signature import sign
from birthmark.evidence.verification import verify

__all__ = ["Evidence", "read_evidence", "sign", "verify", "write_evidence"]
