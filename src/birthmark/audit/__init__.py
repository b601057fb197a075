"""From a fingerprint and a suspect to a verdict."""
