"""The commands of README's quick start, as a reader would copy them."""

import re
import textwrap
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
HEADING = "## Quick start: from nothing to a paged hang\n"


def blocks():
    """Its blocks of commands in order; without those that begin in a checkout, which are for whoever has no package."""
    text = README.read_text()
    begin = text.index(HEADING) + len(HEADING)
    section = text[begin : text.index("\nTo look at one process right now", begin)]
    fenced = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", section, re.M | re.S)
    found = [textwrap.dedent(block) for _, language, block in fenced if not language]
    from_source = [block for block in found if block.startswith("scripts/")]
    assert len(from_source) == 1, from_source
    return [block for block in found if block not in from_source]


def packages():
    """What its commands install with apt, the file of pghangd apart."""
    names = " ".join(re.findall(r"^sudo apt install (.*)$", "".join(blocks()), re.M)).split()
    return [name for name in names if not name.startswith(("-", "./"))]
