"""Asking over HTTP: what is paid for is kept, and nothing answered is paid for twice."""

from birthmark.models.remote.access import Access, Limits
from birthmark.models.remote.call import Call, Refusal, Reply, Unusable, key_of

__all__ = ["Access", "Call", "Limits", "Refusal", "Reply", "Unusable", "key_of"]
