#!/usr/bin/python3
"""Two headers that define two types of one name are two answers to one question. A program that links both takes the
constructor of either for both: no linker tells.

Usage: check_names.py [ROOT]
"""

import pathlib
import re
import sys

AREAS = ("config", "collectors", "diagnosis", "exporters", "daemon")
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.MULTILINE)
TYPE = re.compile(r"^(?:struct|class|enum class) (?:\[\[\w+\]\] )?(\w+)(?: final)?(?: : [^;{]*)? \{", re.MULTILINE)


def types_of(text):
    """Names as `namespace::type`, of types that are defined at the left margin."""
    places = [(match.start(), match.group(1)) for match in NAMESPACE.finditer(text)]
    for match in TYPE.finditer(text):
        around = [name for start, name in places if start < match.start()]
        yield "::".join([*around[-1:], match.group(1)])


def check(root):
    """All violations below `root`, a list of lines."""
    seen, violations = {}, []
    for area in AREAS:
        for path in sorted((pathlib.Path(root) / area).rglob("*.h")):
            here = path.relative_to(root).as_posix()
            for name in types_of(path.read_text(encoding="utf-8")):
                first = seen.setdefault(name, here)
                if first != here:
                    violations.append(f"{here}: defines {name}, and so does {first}")
    return violations


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    violations = check(root)
    print("\n".join(violations) if violations else "every type has a name of its own")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
