"""Which addresses a webhook's host has, and which of them may be connected to.

The host is looked up once, and the connection is made to an address that was checked: a name
server that gives another address a moment later cannot redirect it.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from analytics_scheduler.errors import AlertNotSentError

# NAT64: IPv4 addresses behind a translator, in the last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")


def allowed_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host that may be connected to, or raise AlertNotSentError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "the name is not valid"
        raise AlertNotSentError(f"The host {host} cannot be looked up: {reason}.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [address for address in addresses if allow_private or is_public(address)]
    if not allowed:
        raise AlertNotSentError(
            f"The host {host} has the address {addresses[0]}, which is not public. To send alerts "
            "there, set SCHEDULER_WEBHOOK_ALLOW_PRIVATE=true."
        )
    return allowed


def is_public(address: str) -> bool:
    """Return whether an address is on the public internet, even if IPv6 wraps an IPv4 address."""
    found = _unwrapped(ip_address(address))
    return found.is_global and not found.is_multicast


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo_client = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo_client or address
