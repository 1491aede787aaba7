#!/usr/bin/python3
"""Checks the arrows of DESIGN section 5: who may include whom, which library has which owner.

    check_arrows.py [ROOT]

Prints every violation as `file:line: what; why` and exits 1 if there is one. The tables below are
the architecture; a new folder, library or system header has to be added here to be used.
"""

import pathlib
import re
import sys

# Every source file is in the first area whose pattern its path starts with.
AREAS = [
    ("config", r"config/"),
    ("evidence", r"collectors/evidence/"),
    ("postgres", r"collectors/postgres/"),
    ("process", r"collectors/process/"),
    ("stack", r"collectors/stack/"),
    ("trace", r"collectors/trace/"),
    ("sampler wire", r"collectors/sampler/(protocol|packet_socket|pidfd|syscall_filter|memory_lock)\."),
    ("sampler client", r"collectors/sampler/(client|surveyor)"),
    ("sampler helper", r"collectors/sampler/"),
    ("diagnosis", r"diagnosis/"),
    ("store", r"exporters/store/"),
    ("exporters", r"exporters/"),
    ("escalation", r"daemon/escalation/"),
    ("daemon", r"daemon/"),
]

# What an area may include of ours, besides itself: areas, or single headers by their path.
#
#   config <- evidence <- postgres
#                      <- process <- stack, trace <- sampler helper
#                      <- sampler wire <- sampler client
#                      <- diagnosis <- store <- exporters
#                                   <- escalation (pure)
#   daemon may know all of them but process, stack, trace and the helper: it cannot hang or be traced.
MAY_INCLUDE = {
    "config": [],
    "evidence": ["config"],
    "postgres": ["config", "evidence"],
    "process": ["config", "evidence"],
    "stack": ["config", "evidence", "process"],
    "trace": ["config", "evidence", "process"],
    "sampler wire": ["config", "evidence", "config/unique_fd.h"],
    "sampler client": ["config", "evidence", "sampler wire", "config/unique_fd.h"],
    "sampler helper": ["config", "evidence", "process", "stack", "trace", "sampler wire"],
    "diagnosis": ["config", "evidence"],
    "store": ["config", "evidence", "diagnosis"],
    "exporters": ["config", "evidence", "diagnosis", "store"],
    "escalation": [
        "config", "evidence", "diagnosis/incident.h", "diagnosis/process_activity.h", "diagnosis/query_text.h",
        "diagnosis/wait_event_names.h",
    ],
    "daemon": [
        "config", "evidence", "postgres", "sampler wire", "sampler client",
        "diagnosis", "store", "exporters", "escalation",
    ],
}

# Third-party headers and their owners: areas, or a single file. "one .cc" means that at most one
# file includes any of them, and it is a .cc: what it costs to compile, or throws, stays there.
OWNERS = [
    # headers, owners, how many files
    (r"yaml-cpp/", ["config"], "one .cc"),
    (r"libpq-fe\.h|libpq/", ["postgres"], "any"),
    (r"libunwind.*\.h", ["stack"], "any"),
    (r"elfutils/|libelf\.h|gelf\.h|dwarf\.h", ["stack"], "any"),
    (r"lzma\.h", ["stack"], "any"),
    (r"dlfcn\.h", ["stack"], "one .cc"),
    (r"prometheus/", ["exporters"], "any"),
    (r"boost/beast", ["exporters"], "one .cc"),
    (r"boost/json", ["exporters"], "any"),
    (r"boost/asio/ssl|openssl/", ["exporters"], "any"),
    (r"boost/asio", ["postgres", "sampler client", "exporters", "daemon"], "any"),
    (r"boost/pfr", ["collectors/evidence/codec.h", "collectors/evidence/archive.h"], "any"),
    (r"zstd\.h", ["exporters"], "one .cc"),
    (r"crypt\.h", ["exporters"], "one .cc"),
    (r"zlib\.h", ["exporters"], "one .cc"),
    (r"SQLiteCpp/|sqlite3\.h", ["store"], "any"),
    (r"boost/system/result\.hpp", ["config/result.h"], "any"),
    (r"spdlog/|fmt/", ["daemon"], "any"),
    (r"CLI/", ["daemon"], "any"),
    (r"sys/capability\.h", ["daemon"], "any"),
    (r"seccomp\.h", ["collectors/sampler/syscall_filter.cc"], "one .cc"),
]

# Headers of the C++ standard library, of C, POSIX and Linux: everybody's.
SYSTEM_HEADERS = (
    r"[a-z_]+"
    r"|(sys|linux|net|netinet|arpa|asm)/[a-z0-9_/-]+\.h"
    r"|(cxxabi|dirent|elf|errno|fcntl|grp|link|malloc|netdb|poll|pthread|pwd|sched|signal|spawn|stdio"
    r"|stdlib|string|strings|syslog|time|ucontext|unistd)\.h"
)

# Code (comments do not count) that only some areas or files may have.
RESERVED = [
    # pattern, what it is, allowed in, why
    (r"\bPTRACE_ATTACH\b", "PTRACE_ATTACH", [],
     "its SIGSTOP can leave a backend stopped for good; PTRACE_SEIZE cannot"),
    (r"\bptrace\s*\(", "ptrace()", ["stack", "collectors/trace/tracee.cc", "tests"],
     "few places attach to processes"),
    (r"\bthrow\b", "throw", ["tests"],
     "an error is a value"),
    (r"\bstd::(cout|cerr|clog)\b|\b(fprintf|printf|fputs|puts|perror|syslog|vsyslog)\s*\(",
     "output", ["daemon", "tests", "config/result.cc", "collectors/sampler/helper_main.cc"],
     "only daemon/ logs"),
]

# Not the product: tests are checked for RESERVED only.
TESTS = "tests"
IGNORED = {".git", ".cache", "build"}
SUFFIXES = {".h", ".hpp", ".cc", ".cpp", ".c", ".inc"}


class File:
    """A source file: its path from the root, its area, and its text without comments."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.area = TESTS if self.path.startswith(TESTS + "/") else area_of(self.path)
        self.code = without_comments(path.read_text(encoding="utf-8", errors="replace"))

    def line_of(self, offset):
        return self.code.count("\n", 0, offset) + 1


def area_of(path):
    for area, pattern in AREAS:
        if re.match(pattern, path):
            return area
    return None


def without_comments(text):
    """Comments become blanks; lines keep their numbers. Literals are skipped over, so that a `//`
    in a string is none."""
    token = re.compile(
        r'(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)'
        r'|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Za-z])'(?:\\.|[^'\\\n])*'",
        re.DOTALL,
    )

    def blank(match):
        if match["comment"] is None:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return token.sub(blank, text)


def includes(file):
    """(line, is_ours, header) of every #include."""
    pattern = re.compile(r'^[ \t]*#[ \t]*include\b[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>|(.*))', re.MULTILINE)
    for match in pattern.finditer(file.code):
        ours, theirs, other = match.groups()
        yield file.line_of(match.start()), ours is not None, ours or theirs or other


def is_among(path, area, names):
    """Whether one of the names is this area, or this path."""
    return path in names or (area is not None and area in names)


def check_ours(file, line, header):
    area = area_of(header)
    if area is None:
        return [f"{file.path}:{line}: includes \"{header}\"; ours are included by their whole path"]
    allowed = [file.area] + MAY_INCLUDE[file.area]
    if is_among(header, area, allowed):
        return []
    return [
        f"{file.path}:{line}: {file.area} includes {header} of {area};"
        f" it may include {', '.join(allowed)}"
    ]


def owner_of(header):
    for index, (pattern, _, _) in enumerate(OWNERS):
        if re.match(pattern, header):
            return index
    return None


def check_theirs(file, line, header, users):
    index = owner_of(header)
    if index is None:
        if re.fullmatch(SYSTEM_HEADERS, header):
            return []
        return [f"{file.path}:{line}: includes <{header}>, which has no owner in {__file__}"]
    _, owners, how_many = OWNERS[index]
    if not is_among(file.path, file.area, owners):
        return [f"{file.path}:{line}: includes <{header}>, which belongs to {', '.join(owners)}"]
    if how_many == "any":
        return []
    if not file.path.endswith(".cc"):
        return [f"{file.path}:{line}: includes <{header}>, which only a .cc may"]
    first = users.setdefault(index, file.path)
    if first == file.path:
        return []
    return [f"{file.path}:{line}: includes <{header}>, which only one file may; {first} does"]


def check_reserved(file):
    for pattern, what, allowed, why in RESERVED:
        if is_among(file.path, file.area, allowed):
            continue
        for match in re.finditer(pattern, file.code):
            yield f"{file.path}:{file.line_of(match.start())}: has {what}; {why}"


def source_files(root):
    def walk(folder):
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                if path.name not in IGNORED:
                    yield from walk(path)
            elif path.suffix in SUFFIXES:
                yield path

    return [File(root, path) for path in walk(root)]


def check(root):
    """All violations below `root`, a list of lines."""
    violations = []
    users = {}
    for file in source_files(pathlib.Path(root)):
        if file.area is None:
            violations.append(f"{file.path}:1: is in no area of {__file__}")
            continue
        violations += check_reserved(file)
        if file.area == TESTS:
            continue
        for line, is_ours, header in includes(file):
            if is_ours:
                violations += check_ours(file, line, header)
            else:
                violations += check_theirs(file, line, header, users)
    return violations


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    violations = check(root)
    print("\n".join(violations) if violations else "every arrow points the right way")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
