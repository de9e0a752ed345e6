"""The audit: who did what, when, where, to which secret, allowed or denied by which rule, and the outcome.

    note ──► waiting ──a second, or 100 entries──► sealed with the key of its person ──► commitment ──► chain ──► head
                                                       │                                                 │
                                                       └── destroyed when the person is erased           └── signed

Content, keys and labels of secrets are never in it.
"""
