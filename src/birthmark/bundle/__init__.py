"""The fingerprint's file format."""

from birthmark.bundle.archive import Bundle, read_bundle, write_bundle
from birthmark.bundle.manifest import FORMAT, Manifest, ProbeRecord

__all__ = ["FORMAT", "Bundle", "Manifest", "ProbeRecord", "read_bundle", "write_bundle"]
