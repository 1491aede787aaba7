"""From looks to rows, and rows to text or markdown."""

from dataclasses import asdict, dataclass

from peers import GDB


def percentile(values, share):
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


@dataclass(frozen=True)
class Row:
    """All looks of one tool at one backend. Microseconds; None: there is no such value."""

    target: str
    tool: str
    n: int
    returned: int
    held_p50: float | None
    held_p99: float | None
    held_max: float | None
    wall: float  # median
    cpu: float  # median
    frames: int  # median
    named: int  # median
    complete: int  # looks that reached `_start`
    as_gdb: float | None  # share of its frames that gdb has at the same address; None: not asked, or the backend ran on
    right: int | None
    wrong: int | None
    interrupted: int  # of all looks together
    moved: bool | None
    after: str

    def as_dict(self):
        return asdict(self)


def summarise(target, looks):
    """Rows by tool, in the order in which the tools came first."""
    rows = []
    theirs = next((look.addresses for look in looks if look.tool == GDB.name and look.moved is not None), frozenset())
    for tool in dict.fromkeys(look.tool for look in looks):
        own = [look for look in looks if look.tool == tool]
        held = [look.held for look in own]
        let_go = all(value is not None for value in held)
        judged = [look for look in own if look.right is not None]
        rows.append(Row(
            target=target, tool=tool, n=len(own), returned=sum(look.returned for look in own),
            held_p50=percentile(held, 50) if let_go else None,
            held_p99=percentile(held, 99) if let_go else None,
            held_max=max(held) if let_go else None,
            wall=percentile([look.wall for look in own], 50),
            cpu=percentile([look.cpu for look in own], 50),
            frames=percentile([look.frames for look in own], 50),
            named=percentile([look.named for look in own], 50),
            complete=sum(look.complete for look in own),
            as_gdb=min(shared(look.addresses, theirs) for look in own) if theirs and own[0].addresses else None,
            right=sum(look.right for look in judged) if judged else None,
            wrong=sum(look.wrong for look in judged) if judged else None,
            interrupted=sum(look.interrupted for look in own),
            moved=any(look.moved for look in own) if own[0].moved is not None else None,
            after=", ".join(sorted({look.after for look in own})),
        ))
    return rows


def shared(ours, theirs):
    return len(ours & theirs) / max(1, len(ours))


HEAD = (
    "tool", "n", "returned", "held p50", "p99", "max", "x", "wall p50", "CPU p50", "x", "frames", "to _start", "as gdb", "named", "right", "interrupts",
    "backend after",
)


def cells(row, base):
    """`base` is the row of our warm sampler: ratios are against it."""
    return (
        row.tool,
        str(row.n),
        share(row.returned, row.n),
        *(time(value) for value in (row.held_p50, row.held_p99, row.held_max)),
        ratio(row.held_p50, base.held_p50),
        time(row.wall) if row.returned else f"> {time(row.wall)}",
        time(row.cpu),
        ratio(row.cpu, base.cpu),
        str(row.frames) if row.frames else "-",
        share(row.complete, row.n) if row.frames else "-",
        "-" if row.as_gdb is None else f"{100 * row.as_gdb:.0f} %",
        str(row.named) if row.frames else "-",
        "-" if not row.right and not row.wrong else f"{100 * row.right / (row.right + row.wrong):.0f} %",
        interrupts(row),
        row.after + ("" if row.moved is None else ", moved" if row.moved else ", unmoved"),
    )


SHORT_HEAD = ("backend", "tool", "held p50", "p99", "wall", "CPU", "frames", "calls interrupted", "backend afterwards")


def short_cells(rows):
    """A line for each row; the backend is named in the first of its lines."""
    lines, last = [], None
    for row in rows:
        wall = time(row.wall) if row.returned else "never returns"
        frames = str(row.frames) if row.frames else "-"
        held = (time(row.held_p50), time(row.held_p99))
        title = row.target if row.target != last else ""
        lines.append((title, row.tool, *held, wall, time(row.cpu), frames, interrupts(row), row.after))
        last = row.target
    return lines


def interrupts(row):
    return f"{row.interrupted / row.n:.3g} a look" if row.interrupted else "none"


def share(some, of_all):
    return {0: "none", of_all: "all"}.get(some, f"{some} of {of_all}")


def time(micros):
    if micros is None:
        return "for good"
    if micros == 0:
        return "0"
    if micros < 1000:
        return f"{micros:.0f} us"
    return f"{micros / 1000:.3g} ms" if micros < 1e6 else f"{micros / 1e6:.3g} s"


def ratio(value, base):
    if value is None or not base:
        return "-"
    return f"{value / base:,.0f}" if value / base >= 10 else f"{value / base:.2g}"


def aligned(head, rows):
    """Lines of a text table: the first column to the left, the others to the right but for the last."""
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    last = len(head) - 1
    return [
        "  ".join(cell.ljust(w) if i in (0, last) else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths))).rstrip()
        for line in (head, *rows)
    ]


def markdown(head, rows):
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]
