"""Text as man(7) wants it."""

import re
import textwrap

ESCAPES = {"\\": r"\e", "-": r"\-", "^": r"\(ha", "~": r"\(ti", "`": r"\(ga", "'": r"\(aq"}


def escape(text):
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def at_line_start(line):
    """A point or a quote there would begin a request."""
    return r"\&" + line if line.startswith((".", r"\(aq", "'")) else line


def bold(text):
    return rf"\fB{escape(text)}\fR"


def italic(text):
    return rf"\fI{escape(text)}\fR"


def paragraph(text):
    """Wrapped, with `words` in bold."""
    marked = "".join(bold(part) if odd else escape(part) for odd, part in parts(text))
    return [at_line_start(line) for line in textwrap.wrap(marked, 78, break_long_words=False, break_on_hyphens=False)]


def parts(text):
    for index, part in enumerate(re.split(r"`([^`]+)`", text)):
        if part:
            yield index % 2 == 1, part


def literal(lines):
    return ["", ".nf", ".RS 4", *[at_line_start(escape(line)) or r"\&" for line in lines], ".RE", ".fi"]
