"""Run a command where there is no network but this machine's loopback: `python alone.py COMMAND…`.

A network namespace of its own, which root may make, and others where the system lets them have a user namespace. It has
no route: whatever the command sends elsewhere comes to nothing, and is counted.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1
INTERFACE = "16sh22x"
"""`struct ifreq`: a name and flags."""
NOT_ALLOWED = 77
"""The exit code where the system gives no such namespace."""


def sent_outwards() -> int:
    """How often a process of this namespace tried to send something out of it.

    What has no route, and every datagram: a name server may be one of this machine.
    """
    net = Path("/proc/self/net")
    lines = [line.split() for line in (net / "snmp").read_text(encoding="ascii").splitlines()]
    counts = {
        (names[0], name): int(value)
        for names, values in zip(lines[::2], lines[1::2], strict=True)
        for name, value in zip(names[1:], values[1:], strict=True)
    }
    total = counts["Ip:", "OutNoRoutes"] + counts["Udp:", "OutDatagrams"]
    if (net / "snmp6").exists():
        newer = dict(line.split() for line in (net / "snmp6").read_text(encoding="ascii").splitlines())
        total += int(newer["Ip6OutNoRoutes"]) + int(newer["Udp6OutDatagrams"])
    return total


def _enter() -> None:
    """Go into a namespace of one's own and bring up its loopback.

    Raises:
        OSError: the system does not allow it.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        _unshare(CLONE_NEWNET)
    except PermissionError:
        _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        _ = Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        _ = Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        _ = Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        (_, flags) = struct.unpack(INTERFACE, fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack(INTERFACE, b"lo", 0)))
        _ = fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack(INTERFACE, b"lo", flags | IFF_UP))


def _unshare(what: int) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(what) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    try:
        _enter()
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.ENOSPC):
            raise
        print(error.strerror)  # noqa: T201 - the reason, for who started it
        sys.exit(NOT_ALLOWED)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command that was given
