"""The part of pghangd(8) that says what each command takes."""

from . import roff

BEGIN = '.\\" commands: made by scripts/make-documents from pghangd --help\n'
END = '.\\" end of commands\n'


def put_into(page, top):
    start = page.index(BEGIN) + len(BEGIN)
    return page[:start] + "\n".join(section(top)) + "\n" + page[page.index(END):]


def section(top):
    lines = []
    for command in top.all():
        if command.commands:
            continue
        lines.append(".SS " + usage(command))
        lines += roff.paragraph(command.text + ".")
        for one in command.positionals:
            lines += entry(roff.italic(one.names[0]), one)
        for one in command.options:
            if "--help" in one.names:
                continue
            head = ", ".join(roff.bold(name) for name in one.names)
            lines += entry(head + (" " + roff.italic(one.value) if one.value else ""), one)
    return lines


def usage(command):
    words = roff.bold(" ".join(["pghangd", *command.words]))
    for one in command.positionals:
        words += " " + roff.italic(one.names[0]) + (" ..." if one.repeatable else "")
    return words


def entry(head, one):
    facts = [fact for fact in (one.range, f"default {one.default}" if one.default else "") if fact]
    text = one.text + (f" ({', '.join(facts)})" if facts else "") + "."
    return [".TP", head, *roff.paragraph(text)]
