"""pghangd.yaml(5) from the annotated configuration file: its comments are the page's text."""

import re

from . import roff

HEAD = r""".\" Made by scripts/make-documents from config/pghangd.yaml.
.TH PGHANGD.YAML 5 2026-11-27 pghangd
.SH NAME
pghangd.yaml \- configuration of pghangd
.SH SYNOPSIS
.B /etc/pghangd/pghangd.yaml
.SH DESCRIPTION"""

TAIL = r""".SH SEE ALSO
.BR pghangd (8)"""

KEY = re.compile(r"(?P<indent> *)(?P<item>- )?(?P<key>[a-z_]+):(?: +(?P<value>.*))?$")


# What has no place to break makes an ugly line, and troff complains of it.
LONGEST_DEFAULT = 60


def make(text):
    out = [HEAD]
    entries, introduction = read(text.splitlines())
    out += comment(introduction)
    out.append(".SH KEYS")
    for depth, path, value, lines, example in entries:
        if depth == 0:
            out.append(f".SS {roff.escape(path)}")
            out += comment(lines)
            if value:
                out += [".PP", "Default: " + roff.bold(value)]
            continue
        out += [".TP", roff.bold(path) + said(value, example)]
        out += comment(lines, inside=True)
    out.append(".SH DEFAULTS")
    out.append("The file as shipped, without its comments:")
    out += roff.literal([line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")])
    return "\n".join([*out, TAIL]) + "\n"


def said(value, example):
    if not value:
        return ""
    if len(value) > LONGEST_DEFAULT:
        return " (as in the shipped file)"
    return (" (for example " if example else " (") + roff.bold(value) + ")"


def is_example(line):
    """An indented line of the file with a `#` in its first column."""
    inner = line[1:]
    return line.startswith("#  ") and (KEY.match(inner) is not None or re.match(r" +# ", inner) is not None)


def read(lines):
    """(depth, path, value, comment, example) of every key that is explained, each path once; and the comment that
    the file begins with."""
    entries, seen, path, above, introduction = [], set(), [], [], None
    for line in lines:
        example = is_example(line)
        line = line[1:] if example else line
        if not line.strip():
            if introduction is None:
                introduction, above = above, []
            continue
        if line.lstrip().startswith("#"):
            above.append(re.sub(r"^ *# ?", "", line))
            continue
        found = KEY.match(line)
        if found is None:  # the rest of a value
            above = []
            continue
        indent = len(found["indent"]) + (2 if found["item"] else 0)
        path = [part for part in path if part[0] < indent]
        if found["item"] and path and not path[-1][1].endswith("[]"):
            path[-1] = (path[-1][0], path[-1][1] + "[]")
        path.append((indent, found["key"]))
        name = ".".join(part for _, part in path)
        if above and name not in seen:
            seen.add(name)
            entries.append((len(path) - 1, name, found["value"] or "", above, example))
        above = []
    return entries, introduction


def comment(lines, inside=False):
    """Paragraphs, and a table where lines have a word, two blanks and its explanation."""
    out, flowing, table = [], [], False

    def flush():
        if flowing:
            out.extend(roff.paragraph(" ".join(flowing)))
            flowing.clear()

    for line in lines:
        row = re.match(r"(  +)(\S.*?)  +(\S.*)", line)
        if row:
            flush()
            if inside and not table:
                out.append(".RS")
            out.append(".TP")
            out.append(roff.bold(row[2]))
            flowing.append(row[3])
            table = True
        elif line.startswith("    ") and table:
            flowing.append(line.strip())
        elif not line.strip():
            flush()
            out.append(".PP")
        else:
            if table:
                flush()
                out.append(".RE" if inside else ".PP")
                table = False
                if inside:
                    out.append(".IP")
            flowing.append(line.strip())
    flush()
    if table and inside:
        out.append(".RE")
    while out and out[-1] == ".PP":
        out.pop()
    return tidy(out)


def tidy(lines):
    """No empty paragraph before another one."""
    return [line for line, after in zip(lines, [*lines[1:], ""]) if not (line == ".PP" and after.startswith((".TP", ".PP")))]
