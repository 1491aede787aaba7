"""Which of the names that a tool gives are right: those of a symbol that covers the address."""

import re

from support import gdb

# What compilers append to the name of a function that they copied or split: tools print it or not.
_CLONE = re.compile(r"(\.(constprop|isra|part|cold|lto_priv)(\.\d+)?)+$")


def judge(pid, frames):
    """(right, wrong). In neither: names whose address is not known or in no file (vDSO), and `<signal handler called>`."""
    right = wrong = 0
    files = file_ranges(pid)
    for index, frame in enumerate(frames):
        known = frame.address is not None and any(low <= frame.address < high for low, high in files)
        if frame.name is None or frame.name.startswith("<") or not known:
            continue
        covering = {base(name) for name in gdb.covering_names(pid, frame.address, is_return_address=index > 0)}
        right, wrong = (right + 1, wrong) if base(frame.name) in covering else (right, wrong + 1)
    return right, wrong


def base(name):
    return _CLONE.sub("", name)


def file_ranges(pid):
    found = []
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            parts = line.split(maxsplit=5)
            if len(parts) == 6 and parts[5].startswith("/"):
                found.append(tuple(int(end, 16) for end in parts[0].split("-")))
    return found
