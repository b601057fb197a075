"""Asking over HTTP: what is paid for is kept, and nothing is paid for twice."""

from birthmark.remote.access import Access, Limits
from birthmark.remote.call import Call, Reply

__all__ = ["Access", "Call", "Limits", "Reply"]
