"""Onetime Secret's REST API v1: links and keys, the wire format, the calls."""
