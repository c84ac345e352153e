"""Which user of this machine has opened a connection to it, as Linux's table of connections tells."""

import socket
import sys
from pathlib import Path

TABLES = {socket.AF_INET: Path("/proc/net/tcp"), socket.AF_INET6: Path("/proc/net/tcp6")}
LOCAL, REMOTE, STATE, UID, INODE = 1, 2, 3, 7, 9
"""Columns of a table."""
ESTABLISHED = "01"
NO_INODE = "0"
"""Of a socket that no process holds any more: the table then gives root as its user, whoever opened it."""
Place = tuple[str, int]


def user_of(client: Place, server: Place) -> int | None:
    """The user id of the process at the client's end of a TCP connection within this machine.

    Args:
        client: address and port that the connection comes from.
        server: address and port that it came to.

    Returns:
        None where this is not known: another system than Linux, a client that is not on this machine, or one that has
        closed its end.
    """
    # the table is no snapshot, a user of a socket that is being closed may be read with its inode: once closed it stays
    # closed, so what the table still says a second time was true the first
    found = _row_of(client, server)
    return found[0] if found is not None and found == _row_of(client, server) else None


def _row_of(client: Place, server: Place) -> tuple[int, str] | None:
    """The user and inode of the socket at the client's end, where a process holds it and both ends are open."""
    ends = [(_as_in_the_table(*client, family), _as_in_the_table(*server, family)) for family in TABLES]
    wanted = {f"{local} {remote}" for local, remote in ends if local and remote}
    for table in TABLES.values():
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            if not any(pair in line for pair in wanted):  # of ten thousand connections few are taken apart
                continue
            columns = line.split()
            is_named = f"{columns[LOCAL]} {columns[REMOTE]}" in wanted
            if is_named and columns[STATE] == ESTABLISHED and columns[INODE] != NO_INODE:
                return int(columns[UID]), columns[INODE]
    return None


def _as_in_the_table(address: str, port: int, family: socket.AddressFamily) -> str:
    """`0100007F:1F90` for 127.0.0.1:8080: words of four bytes in the machine's order; empty where there is no such."""
    if family == socket.AF_INET6 and ":" not in address:
        address = f"::ffff:{address}"  # a socket for both kinds keeps the older ones so
    try:
        packed = socket.inet_pton(family, address)
    except OSError:
        return ""
    order = -1 if sys.byteorder == "little" else 1
    words = (packed[at : at + 4][::order] for at in range(0, len(packed), 4))
    return f"{''.join(word.hex() for word in words).upper()}:{port:04X}"
