"""Onetime Secret's REST API v1: `links` reads links and keys, `wire` requests and answers, `client` makes the calls."""
