"""What `pghangd --help` says, as values: of the program and of each command, and theirs."""

import re
import subprocess
from dataclasses import dataclass, field


@dataclass
class Option:
    names: list  # `-h`, `--help`; of a positional its name
    value: str  # `FILE`; empty for a flag
    range: str  # `1 to 20`; empty where there is none
    default: str
    repeatable: bool
    required: bool
    text: str


@dataclass
class Command:
    words: list  # ["incidents", "list"]; [] for the program itself
    text: str
    options: list = field(default_factory=list)
    positionals: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    def all(self):
        """It and every command below it, in the order of the help."""
        yield self
        for command in self.commands:
            yield from command.all()


def read(program, words=()):
    answer = subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True, timeout=30)
    command, names = parse(answer.stdout, list(words))
    command.commands = [read(program, [*words, name]) for name in names]
    return command


def parse(help_text, words):
    """The command, and the names of those below it."""
    lines = help_text.splitlines()
    command = Command(words, lines[0].strip())
    names = []
    for section, head, text in entries(lines):
        if section == "Subcommands":
            names.append(head)
        elif section == "Positionals":
            command.positionals.append(option(head, text))
        else:
            command.options.append(option(head, text))
    return command, names


def entries(lines):
    """Section, head and text of each entry; a long head has its text in the next line."""
    section, head, text = "", "", ""
    for line in lines:
        if re.fullmatch(r"[A-Z]\w+:", line):
            if head:
                yield section, head, text
            section, head, text = line[:-1], "", ""
        elif section and re.match(r"  \S", line):
            if head:
                yield section, head, text
            head, _, text = (part.strip() for part in re.match(r"  (.+?)(  +|$)(.*)", line).groups())
        elif section and line.strip():
            text = f"{text} {line.strip()}".strip()
    if head:
        yield section, head, text


def option(head, text):
    name, _, shape = head.partition(" ")
    required = shape.endswith("REQUIRED")
    shape = shape.removesuffix("REQUIRED").strip()
    repeatable = shape.endswith("...")
    shape = shape.removesuffix("...").strip()
    shape, _, default = shape.partition("=")
    found = re.fullmatch(r"(?:\w+:)?\w+ in \[(\d+) - (\d+)\]", shape)
    value = "N" if found or shape in ("INT", "UINT") else shape
    bounds = f"{found[1]} to {found[2]}" if found else ""
    # The largest pid is no bound that anybody needs.
    bounds = "" if bounds.endswith(" 2147483647") else bounds
    names = [one.removesuffix("{false}") for one in name.split(",")]
    return Option(names, value, bounds, default, repeatable, required, text)
