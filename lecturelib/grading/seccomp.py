"""A filter of system calls, as the bytes that the kernel and bubblewrap understand.

The kernel runs a small program before each call (classic BPF: eight bytes an
instruction). Ours refuses the calls that open doors out of a sandbox or take memory
that no limit counts; all others pass. So this is a second fence: the first ones are
namespaces and limits.
"""

from __future__ import annotations

import platform
import struct

#: The refused calls and their numbers on x86-64 and on 64-bit ARM.
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "clone3": (435, 435),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsmount": (432, 432), "fspick": (433, 433),
    "socket": (41, 198), "socketpair": (53, 199),
    "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "kexec_load": (246, 104),
    "init_module": (175, 105), "finit_module": (313, 273), "personality": (135, 92),
}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050001  # the call gives EPERM
_NUMBER_AT, _MACHINE_AT = 0, 4  # in struct seccomp_data


def program() -> bytes:
    """The filter for this machine; empty where its calls' numbers are not known."""
    if platform.machine() not in _MACHINES:
        return b""
    column, code = _MACHINES[platform.machine()]
    numbers = sorted(pair[column] for pair in REFUSED.values())
    other = 1 << 30 if column == 0 else 1 << 31  # the second way to number calls, x32
    lines = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, code), (_RETURN, 0, 0, _KILL),
             (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, len(numbers) + 1, 0, other)]
    for i, number in enumerate(numbers):  # on equality, jump over the rest and one more
        lines.append((_EQUAL, len(numbers) - i, 0, number))
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
