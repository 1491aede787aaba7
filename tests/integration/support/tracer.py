"""Holds a process as a debugger does until stdin closes. SEIZE and INTERRUPT, so that our end, however it comes, lets
the process run on: an ATTACH could leave it stopped."""

import ctypes
import os
import sys

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17


def main(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    for request in (SEIZE, INTERRUPT):
        if libc.ptrace(request, pid, None, None):
            sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(pid, 0x40000000)  # __WALL
    print("held", flush=True)
    sys.stdin.read()
    libc.ptrace(DETACH, pid, None, None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
