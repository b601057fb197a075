"""Asking over HTTP: what is paid for is kept, and nothing is paid for twice.

The sender, a process of its own, imports this package too: so the `Client`, and numpy with it, is
imported from `birthmark.models.remote.client`.
"""

from birthmark.models.remote.access import Access, Limits
from birthmark.models.remote.call import Call, Refusal, Reply, Unusable, key_of

__all__ = ["Access", "Call", "Limits", "Refusal", "Reply", "Unusable", "key_of"]
