"""Asking over HTTP: what is paid for is kept, and nothing is paid for twice."""

from birthmark.remote.access import Access, Limits
from birthmark.remote.call import Call, Reply, key_of
from birthmark.remote.client import Client, Refusal, Unusable

__all__ = ["Access", "Call", "Client", "Limits", "Refusal", "Reply", "Unusable", "key_of"]
