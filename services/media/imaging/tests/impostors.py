"""Programs that stand in for a decoding process taken over by the file it was given."""

import sys
from pathlib import Path

_PROGRAM = """#!{python} -IS
import os, sys, time
def greet(): os.write(1, b"ready 1 1 1\\n")
def take():
    while os.read(0, 65536): pass
{behaviour}
"""

AFTER_THE_FILE = {
    "dies of a bad pointer": "greet(); take(); os.kill(os.getpid(), 11)",
    "is killed for its memory": "greet(); take(); os.kill(os.getpid(), 9)",
    "leaves quietly": "greet(); take()",
    "leaves without listening": "greet()",
    "talks nonsense": "greet(); take(); os.write(1, b'<html>' * 100)",
    "talks for ever": "greet(); take()\nwhile True: os.write(1, bytes(65536))",
    "sends too few pixels": "greet(); take(); os.write(1, b'drawn 1 1\\n' + bytes(312 * 104 * 4 - 1))",
    "sends too many pixels": "greet(); take(); os.write(1, b'drawn 1 1\\n' + bytes(312 * 104 * 4 + 1))",
    "invents a reason": "greet(); take(); os.write(1, b'refused HACKED you\\n')",
    "writes its own message": "greet(); take(); os.write(1, b'refused UNREADABLE <b>call me</b>\\n')",
    "sends a PNG": "greet(); take(); os.write(1, b'\\x89PNG\\r\\n\\x1a\\n' + bytes(99999))",
}
OUT_OF_TIME = {
    "never answers": "greet(); take(); time.sleep(60)",
    "never listens": "greet(); time.sleep(60)",
    "answers a byte at a time": "greet(); take()\nwhile True: os.write(1, b'd'); time.sleep(0.05)",
    "runs out of processor time": "greet(); take(); os.kill(os.getpid(), 24)",
}
NEVER_READY = {
    "cannot start": "sys.exit(1)",
    "does not greet": "time.sleep(60)",
    "greets without end": "os.write(1, b'ready')\nwhile True: os.write(1, b' 1')",
}


def impostor(folder: Path, behaviour: str) -> str:
    """The path of a program to be run in place of Python."""
    path = folder / "impostor"
    path.write_text(_PROGRAM.format(python=sys.executable, behaviour=behaviour))
    path.chmod(0o755)
    return str(path)
