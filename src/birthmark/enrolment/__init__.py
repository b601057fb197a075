"""From a victim, images and references to a fingerprint."""
