"""Linux's Landlock: a process that can open only what it names beforehand."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ_FILE, READ_DIR = 1 << 2, 1 << 3
KINDS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of file access each version of the interface can forbid; 16 since the fifth."""
TCP, SCOPES = 0b11, 0b11
PATH_BENEATH = 1


def restrict(libc: ctypes.CDLL, readable: Iterable[Path]) -> bool:
    """Forbid all file access but reading these files and folders, and TCP and signals to others.

    Returns
    -------
    bool
        Whether the kernel does so.
    """
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    attributes = struct.pack(
        "<QQQ",
        (1 << KINDS.get(version, 16)) - 1,
        TCP if version >= 4 else 0,
        SCOPES if version >= 6 else 0,
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        return False
    for path in dict.fromkeys(readable):
        with contextlib.suppress(OSError):
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = READ_FILE | (READ_DIR if path.is_dir() else 0)
            rule = struct.pack("<Qi", allowed, opened)
            libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
            os.close(opened)
    done: bool = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return done
