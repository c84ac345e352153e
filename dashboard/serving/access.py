"""How a dashboard is served: to whom, under which names, and what visitors may do."""

import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

import psutil

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = (LOOPBACK, "localhost", "::1")
OF_THE_INTERNET = (socket.AF_INET, socket.AF_INET6)
RIGHTS_HEADER = "X-Neft-Rights"
"""Set by the door on what it lets in, and taken from what comes with it."""
ALL, LOOK = "all", "look"
"""Rights: to change what is kept; to look at it."""


@dataclass(frozen=True)
class Access:
    """How a dashboard is served."""

    host: str = LOOPBACK
    """The address that it listens at."""
    port: int = 8501
    allow_changes: bool = False
    """Whether a visitor over the network who knows the code may change what is kept."""
    names: tuple[str, ...] = ()
    """Further names that it is reached by, as that of a proxy in front."""
    code: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Who knows it is let in, or may change."""

    @property
    def is_local(self) -> bool:
        """Whether it listens to this machine alone."""
        return self.host in LOOPBACK_NAMES or is_loopback(self.host)

    @property
    def cookie(self) -> str:
        """Where a browser keeps the code: cookies know no ports, so the name does."""
        return f"neft_code_{self.port}"

    @property
    def needs_code(self) -> bool:
        """Whether the code opens anything: of a dashboard that nobody may change, it does not."""
        return self.is_local or self.allow_changes

    def hosts(self) -> frozenset[str]:
        """The names that requests may call this server by; any other comes from a page that has lent its own."""
        return frozenset(name.lower().rstrip(".") for name in (*self.names, *self._own_names()))

    def _own_names(self) -> Iterable[str]:
        if self.is_local:
            return (*LOOPBACK_NAMES, self.host)
        # as the machine knows itself: its name in a network would be asked of a name server
        here = socket.gethostname()
        if not is_any(self.host):
            return (self.host, here)
        cards = psutil.net_if_addrs().values()
        addresses = [one.address.partition("%")[0] for card in cards for one in card if one.family in OF_THE_INTERNET]
        return (*LOOPBACK_NAMES, here, *addresses)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_any(address: str) -> bool:
    """Whether an IP address stands for all of a machine's: 0.0.0.0, ::."""
    try:
        return ip_address(address).is_unspecified
    except ValueError:
        return False
