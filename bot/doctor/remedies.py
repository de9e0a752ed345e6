"""What to do about a connection that failed, by the words of bot/connection_failures.py."""

from __future__ import annotations

_REMEDIES = (
    ("the proxy", "Check HTTPS_PROXY: its host, its port, its user and password."),
    (
        "untrusted certificate",
        (
            "Renew the certificate, or have it signed for this name by an authority that this machine trusts; "
            "SSL_CERT_FILE names a company's own."
        ),
    ),
    ("no TLS", "The address begins with https, and what listens there speaks no TLS: check {setting}, and the port."),
    ("unknown host name", "Check how the host is spelt in {setting}, and that this machine can look up names."),
    ("could not be looked up", "Check that this machine can look up names."),
    ("connection refused", "Check host and port in {setting}, and that the server runs."),
    ("redirect", "Write the address that it leads to into {setting}: the bot follows no redirect."),
    ("too many open files", "Allow this process more open files (`ulimit -n`)."),
)


def remedy_for(why: str, setting: str) -> str:
    """`setting` names where the address comes from."""
    found = next((remedy for words, remedy in _REMEDIES if words in why), None)
    return (found or "Check {setting}, and that the network, a firewall or a proxy lets this machine reach it.").format(
        setting=setting
    )
