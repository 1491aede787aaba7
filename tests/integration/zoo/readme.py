"""The README's table of hangs, made from the catalogue."""

from support.cluster import ROOT

from .hang import catalogue

README = ROOT / "README.md"
BEGIN = "<!-- hangs: made by tests/integration/zoo/test_catalogue.py from tests/integration/zoo/hangs/ -->\n"
END = "<!-- end of hangs -->"


def table():
    lines = ["| hang | `pg_terminate_backend` says | `pstack` | pghangd says |", "|---|---|---|---|"]
    for one in catalogue():
        lines.append(f"| {one.title} | {one.terminate_says} | {one.pstack_does} | `{one.cause}`: {one.pghangd_says} |")
    return "\n".join(lines) + "\n"


def split(text):
    """What is before the table, the table, and what is after it."""
    start = text.index(BEGIN) + len(BEGIN)
    end = text.index(END)
    return text[:start], text[start:end], text[end:]
