"""Take every right away from the current process, for good, before it looks at a file from outside.

What holds in all cases, because lowering one's own limits needs no privilege:

- no new file descriptor: nothing can be opened and no socket made, whatever the network and the files allow;
- no new process or thread, no write to a file, no core dump, no more memory or processor time than given;
- no privilege ever gained (`no_new_privs`), no tracing of the process by its equals, first in line for the
  kernel when memory runs out.

Started as root, it also becomes a user of its own that nothing else runs as, or nobody; it cannot stay root:
failing that it raises. Where the kernel allows namespaces, it has an empty network and an empty file system
besides. System calls are not filtered: a decoder taken over could still call the kernel, though with nothing
to name.
"""

import ctypes
import os
import resource
from contextlib import suppress
from typing import NamedTuple

_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CAPABILITY_VERSION_3 = 0x20080522
# Above the ranges that distributions and container engines hand out.
_FIRST_OWN_USER = 0x70000000
_NOBODY = 65534
_POLITENESS = 5


class Confinement(NamedTuple):
    """What was achieved beyond the limits, which always hold."""

    user: int
    own_network: bool
    empty_files: bool


def confine(memory_bytes: int, cpu_seconds: int) -> Confinement:
    """Give up all rights, once everything is imported; raises OSError if root cannot become another user."""
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    os.nice(_POLITENESS)
    if os.geteuid() == 0 and _others_exist():
        own_network, empty_files = _leave(libc, 0)
        _become_nobody()
    else:
        own_network, empty_files = _leave(libc, _CLONE_NEWUSER)
    if os.geteuid() == 0:
        raise PermissionError("cannot stop being root")
    _drop_capabilities(libc)
    _limit(memory_bytes, cpu_seconds)
    return Confinement(os.getuid(), own_network, empty_files)


def _leave(libc: ctypes.CDLL, user_namespace: int) -> tuple[bool, bool]:
    own_network = libc.unshare(user_namespace | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS) == 0
    try:
        # A directory that belongs to this process, holds nothing but its three descriptors, and dies with it.
        os.chroot("/proc/self/fdinfo")
        os.chdir("/")
    except OSError:
        return own_network, False
    return own_network, True


def _others_exist() -> bool:
    """Whether there is another user to become: a namespace may know its root only."""
    with open("/proc/self/uid_map") as ranges:
        return sum(int(line.split()[2]) for line in ranges) > 1


def _become_nobody() -> None:
    os.setgroups([])
    try:
        _become(_FIRST_OWN_USER + os.getpid())
    except OSError:
        # Inside a user namespace only few users exist.
        _become(_NOBODY)


def _become(user: int) -> None:
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    nothing = (0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, nothing)
    resource.setrlimit(resource.RLIMIT_FSIZE, nothing)
    resource.setrlimit(resource.RLIMIT_NPROC, nothing)
    resource.setrlimit(resource.RLIMIT_NOFILE, nothing)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    # The lower of the two ends the process by a signal that tells why.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
