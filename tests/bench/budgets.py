"""DESIGN section 9 as far as captures go: what is allowed, what was measured."""

from dataclasses import dataclass

from table import time

OUR_LOOKS = ("sampler, warm: one look", "sampler, warm: as the daemon", "pghangd diagnose")
MEGABYTE = 1024  # kilobytes


@dataclass(frozen=True)
class Budget:
    what: str
    allowed: str
    measured: str
    held: bool

    def cells(self):
        return self.what, self.allowed, self.measured, "ok" if self.held else "OVER"


HEAD = ("budget", "allowed", "measured", "")


def of_blocked(rows, what):
    ours = [row for row in rows if row.tool in OUR_LOOKS]
    looks, stopped = sum(row.n for row in ours), sum(row.held_max != 0 for row in ours)
    interrupted, moved = sum(row.interrupted for row in ours), sum(bool(row.moved) for row in ours)
    held = max((row.held_max for row in ours if row.held_max is not None), default=0)
    measured = f"{time(held)} in {looks} looks, {interrupted} interrupts"
    return Budget(f"{what} held, calls interrupted", "0, none", measured, not stopped and not interrupted and not moved)


def of_running(rows, what, p50, p99):
    """The two rows of the warm sampler, and the ratio to eu-stack and gdb in the same run."""
    found = {row.tool: row for row in rows}
    budgets = []
    for tool in OUR_LOOKS[:2]:
        row = found[tool]
        held = row.held_p50 <= p50 and row.held_p99 <= p99
        measured = f"p50 {time(row.held_p50)}, p99 {time(row.held_p99)} (n={row.n})"
        budgets.append(Budget(f"{what}, {tool.split(': ')[1]}", f"p50 {p50} us, p99 {time(p99)}", measured, held))
    ours = found[OUR_LOOKS[0]].held_p50
    for tool, share in (("eu-stack", 4), ("gdb -batch -ex bt", 5000)):
        if tool in found:
            times = found[tool].held_p50 / ours
            budgets.append(Budget(f"{what}, against {tool.split()[0]}", f"<= 1/{share:,}", f"1/{times:,.0f}", times >= share))
    return budgets


def of_stack_cpu(micros):
    """Of stack_benchmark: mappings, capture, unwinding and names, in one process; by target."""
    target, worst = max(micros.items(), key=lambda one: one[1])
    return Budget("capture + unwind + symbolize, warm", "1 ms CPU", f"{time(worst)} ({target})", worst <= 1000)


def of_look_cpu(rows):
    """A whole look through the sampler: its child, state, signals, flags, system call, descriptors, and where an LWLock is
    waited for the survey of the cluster. On any backend but the one among hogs, who take its caches away."""
    ours = [row for row in rows if row.tool == OUR_LOOKS[0] and "hogs" not in row.target]
    worst = max(ours, key=lambda row: row.cpu)
    return Budget("a whole look, warm", "2 ms CPU", f"{time(worst.cpu)} ({worst.target})", worst.cpu <= 2000)


def of_d_state(rows):
    ours = [row for row in rows if row.tool in OUR_LOOKS]
    complete, looks = sum(row.complete for row in ours), sum(row.n for row in ours)
    measured = f"{complete} of {looks}, {min(row.frames for row in ours)} frames"
    return Budget("backend in D state, stack down to _start", "all", measured, complete == looks)


def of_memory(kilobytes):
    total = sum(kilobytes.values()) / MEGABYTE
    parts = ", ".join(f"{name} {size / MEGABYTE:.1f}" for name, size in kilobytes.items())
    return Budget("daemon + sampler memory (PSS)", "20 MB", f"{total:.1f} MB ({parts})", total <= 20)


def of_growth(marks):
    """From the second mark on it is flat: within a twentieth."""
    (few, before), (many, after) = marks[1], marks[-1]
    return Budget(
        f"sampler memory, {few:,} to {many:,} captures", "flat (+5 %)",
        f"{before / MEGABYTE:.1f} to {after / MEGABYTE:.1f} MB", after <= before * 1.05,
    )


def of_scrapes(series, scrapes, limit=2000):
    """`scrapes`: rows of web.py, postgres_exporter's last where it is installed. Ours all have the budget."""
    ours = [one for one in scrapes if one.what.startswith("pghangd")]
    worst, failed = max(ours, key=lambda one: one.p99), sum(one.failed for one in ours)
    measured = f"p99 {time(worst.p99)} ({worst.what}), {failed} failed"
    budgets = [Budget(f"/metrics, {series:,} series", f"p99 {time(limit)}", measured, worst.p99 <= limit and not failed)]
    for other in scrapes[len(ours):]:
        budgets.append(Budget(f"/metrics against {other.what}, p99", "<= 1/1", f"1/{other.p99 / ours[0].p99:.1f}", ours[0].p99 <= other.p99))
    return budgets
