"""Which addresses a webhook's host has, and which of them may be connected to.

A host is looked up once and connected to by the address that was judged: an answer of the name
server that changes in between leads nowhere else.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from analytics_scheduler.errors import AlertNotSentError

# Addresses of IPv4 that are reached through a translator; the last 32 bits are the address.
_TRANSLATED = IPv6Network("64:ff9b::/96")


def usable_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host that may be connected to, or raise AlertNotSentError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        raise AlertNotSentError(f"The host {host} cannot be looked up: {reason}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    usable = [address for address in addresses if allow_private or is_public(address)]
    if not usable:
        raise AlertNotSentError(
            f"The host {host} has the address {addresses[0]}, which is not public. Set "
            "SCHEDULER_WEBHOOK_ALLOW_PRIVATE=true if alerts may be sent there."
        )
    return usable


def is_public(address: str) -> bool:
    """Tell whether an address leads to the public internet, whatever it is wrapped in."""
    found = _unwrapped(ip_address(address))
    return found.is_global and not found.is_multicast


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
