"""Linux's seccomp: system calls that a model has no use for fail in its process."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

SET_SECCOMP, FILTER = 22, 2
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST = 0, 4, 16
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
X32 = 0x40000000
NEW_THREAD = 0x00010000


@dataclass(frozen=True)
class Processor:
    """Numbers of system calls on a kind of processor.

    Attributes
    ----------
    architecture
        The kernel's number for it.
    clone
        Allowed for new threads only.
    signals
        kill and tgkill, allowed to itself only.
    limits
        prlimit64, allowed of itself only.
    refused
        Those that fail.
    """

    architecture: int
    clone: int
    signals: tuple[int, ...]
    limits: int
    refused: tuple[int, ...]


CLONE3 = 435
EVERYWHERE = (
    *(424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 440, 442, 443),
    *(448, 452, 463, 464, 465, 466, 467),
)
"""pidfd_*, io_uring_*, the new mount calls, process_madvise, quotactl_fd, process_mrelease,
fchmodat2, *xattrat and open_tree_attr: one number on all processors."""

X86_64 = Processor(
    architecture=0xC000003E,
    clone=56,
    signals=(62, 234),
    limits=302,
    refused=(
        # socket, connect, accept, bind, listen, socketpair, fork, vfork, execve, accept4, execveat
        *(41, 42, 43, 49, 50, 53, 57, 58, 59, 288, 322),
        # shm*, sem*, msg*, mq_open, memfd_create
        *(29, 30, 31, 64, 65, 66, 68, 69, 70, 71, 240, 319),
        # ptrace, process_vm_*, kcmp, tkill, rt_*sigqueueinfo, perf_event_open, bpf, userfaultfd
        *(101, 310, 311, 312, 200, 129, 297, 298, 321, 323),
        # personality, pivot_root, chroot, acct, mount, umount2, swap*, reboot, set*name, *module
        *(135, 155, 161, 163, 165, 166, 167, 168, 169, 170, 171, 175, 176, 313),
        # quotactl, kexec*, keys, unshare, setns, fanotify, *_handle_at, settimeofday, clock_*
        *(179, 246, 320, 248, 249, 250, 272, 308, 300, 303, 304, 164, 227, 305, 159),
        # iopl, ioperm, modify_ldt
        *(172, 173, 154),
        # truncate, ftruncate, rename*, mkdir*, rmdir, creat, *link*, mknod*
        *(76, 77, 82, 264, 316, 83, 258, 84, 85, 86, 87, 88, 263, 265, 266, 133, 259),
        # *chmod*, *chown*, *utim*, *xattr
        *(90, 91, 268, 92, 93, 94, 260, 132, 235, 261, 280, *range(188, 200)),
        # inotify_*, setpriority, sched_set*, ioprio_set, migrate_pages, move_pages
        *(253, 254, 255, 294, 141, 142, 144, 203, 314, 251, 256, 279),
    ),
)
AARCH64 = Processor(
    architecture=0xC00000B7,
    clone=220,
    signals=(129, 131),
    limits=261,
    refused=(  # the same, as far as there
        *(198, 203, 202, 200, 201, 199, 221, 242, 281),
        *(194, 195, 196, 190, 191, 193, 186, 187, 188, 189, 180, 279),
        *(117, 270, 271, 272, 130, 138, 240, 241, 280, 282),
        *(92, 41, 51, 89, 40, 39, 224, 225, 142, 161, 162, 105, 106, 273),
        *(60, 104, 294, 217, 218, 219, 97, 268, 262, 264, 265, 170, 112, 266, 171),
        *(45, 46, 38, 276, 34, 35, 36, 37, 33),
        *(52, 53, 54, 55, 88, *range(5, 17)),
        *(26, 27, 28, 140, 118, 119, 122, 274, 30, 238, 239),
    ),
)
PROCESSORS = {"x86_64": X86_64, "aarch64": AARCH64}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(libc: ctypes.CDLL) -> bool:
    """Let sockets, programs, new processes and reaching into others fail from now on.

    So does what changes files without opening them, or watches them. That a file is there, its
    size and times can still be seen: no call of `stat` could be told from one of a library.

    Returns
    -------
    bool
        Whether the kernel does so, and this processor's numbers are known.
    """
    processor = PROCESSORS.get(platform.machine())
    if processor is None or sys.byteorder != "little" or sys.maxsize < 1 << 32:
        return False
    code = _program(processor, os.getpid())
    program = _Program(len(code) // 8, code)
    done: bool = libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0) == 0
    return done


def _program(processor: Processor, pid: int) -> bytes:
    """The filter: each instruction is code, steps to skip if true, if false, and a value."""
    refuse = (RETURN, 0, 0, FAIL | errno.EPERM)
    allow = (RETURN, 0, 0, ALLOW)
    argument = (LOAD, 0, 0, FIRST)
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, processor.architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, X32),
        refuse,
        (JUMP_EQUAL, 0, 1, CLONE3),  # its flags cannot be seen; libraries then use clone
        (RETURN, 0, 0, FAIL | errno.ENOSYS),
        *((JUMP_EQUAL, 0, 4, processor.clone), argument),
        *((JUMP_ANY_BIT, 0, 1, NEW_THREAD), allow, refuse),
    ]
    for number in processor.signals:
        steps += [(JUMP_EQUAL, 0, 4, number), argument, (JUMP_EQUAL, 0, 1, pid), allow, refuse]
    steps += [(JUMP_EQUAL, 0, 5, processor.limits), argument, (JUMP_EQUAL, 1, 0, pid)]
    steps += [(JUMP_EQUAL, 0, 1, 0), allow, refuse]
    for number in (*processor.refused, *EVERYWHERE):
        steps += [(JUMP_EQUAL, 0, 1, number), refuse]
    return b"".join(struct.pack("<HBBI", *step) for step in [*steps, allow])
