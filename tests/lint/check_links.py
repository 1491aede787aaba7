#!/usr/bin/python3
"""Checks what a built program needs of others: its libraries and the functions it imports.

    check_links.py PROGRAM FILE      PROGRAM is a name of the table; FILE is what was built

Prints every violation and exits 1 if there is one.
"""

import re
import subprocess
import sys

FORBIDDEN = {
    # The daemon has no means to attach to a process, and no parser of foreign ELF files.
    "pghangd": {
        "libraries": r"lib(unwind|elf|dw|asm)\b",
        "functions": r"ptrace|process_vm_(read|write)v",
    },
    # The helper holds capabilities: it speaks to nobody but the daemon.
    "pghangd-sampler": {
        "libraries": r"lib(pq|ssl|crypto|spdlog|fmt|prometheus|yaml-cpp)\b",
        "functions": r"PQ\w+|process_vm_writev",
    },
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed_libraries(path):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", "--wide", path))


def imported_functions(path):
    """Without their version: `ptrace` of `ptrace@GLIBC_2.2.5`."""
    lines = run("nm", "--dynamic", "--undefined-only", path).splitlines()
    return [line.split()[-1].split("@")[0] for line in lines if line.strip()]


def check(program, path):
    rule = FORBIDDEN[program]
    libraries = needed_libraries(path)
    functions = imported_functions(path)
    if not libraries or not functions:
        return [f"{path} is not a dynamically linked program"]
    violations = [
        f"{program} links {library}" for library in libraries if re.match(rule["libraries"], library)
    ]
    violations += [
        f"{program} imports {function}()"
        for function in functions
        if re.fullmatch(rule["functions"], function)
    ]
    return violations


def main():
    program, path = sys.argv[1:]
    violations = check(program, path)
    print("\n".join(violations) if violations else f"{program} links what it may")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
