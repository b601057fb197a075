"""What a process gives up before it reads a hostile file."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from birthmark.models.sandbox import landlock, seccomp

NO_CORE = "no core dumps"
NO_WRITING = "no writing"
LIMITED_MEMORY = "limited memory"
NO_REACH = "no network and no programs"
ITS_FOLDER = "no files but its own"

SET_PDEATHSIG, SET_DUMPABLE, SET_NO_NEW_PRIVS = 1, 4, 38
SIGKILL = 9


def protect(readable: Sequence[Path], memory: int, threads: int) -> list[str]:
    """Give up what a model does not need; for the whole rest of the process.

    Parameters
    ----------
    readable
        Files and folders that it may read, besides libraries.
    memory
        Bytes that it may take beyond those it has.
    threads
        For how many of them there is to be room.

    Returns
    -------
    list of str
        What is in force.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    done = [NO_CORE, NO_WRITING]
    if sys.platform != "linux":
        return done
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    pages, _, _, _, _, data, _ = map(int, Path("/proc/self/statm").read_text().split())
    size = resource.getpagesize()
    _limit(resource.RLIMIT_DATA, data * size + memory)
    _limit(resource.RLIMIT_AS, pages * size + 2 * memory + (threads << 24))
    done.append(LIMITED_MEMORY)
    if landlock.restrict(libc, [*_libraries(), *readable]):
        done.append(ITS_FOLDER)
    if seccomp.restrict(libc):
        done.append(NO_REACH)
    return done


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _libraries() -> list[Path]:
    """Where libraries may still be loaded from, and what they read of the machine."""
    system = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/null"]
    system += ["/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"]
    system += ["/nix/store", *os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    own = [sys.prefix, sys.base_prefix, *sys.path, os.getcwd()]  # noqa: PTH109
    return [Path(one) for one in (*system, *own) if one]
