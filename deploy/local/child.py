"""Turns itself into a program that ends when the process that started it does, however that one ended.

Run by path, not imported: `python -I -S child.py PARENT SIGNAL USER GROUP DIRECTORY PROGRAM [ARGUMENT ...]`.
USER and GROUP are numbers, or empty to stay who we are. On Linux the kernel sends SIGNAL when the parent is
gone; elsewhere a parent that is killed outright leaves the program running.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Leaves root, arms the signal, enters the directory, becomes the program: the order matters."""
    parent, end, user, group, directory, *command = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A shell starts background jobs with some of these ignored, and a program inherits that.
        signal.signal(number, signal.SIG_DFL)
    if user:
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    # The kernel disarms the signal whenever the user changes, hence only now.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(end), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the parent ended first")
    try:
        os.chdir(directory)
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]} in {directory}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
