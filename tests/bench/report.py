"""Everything that one run measured, as text, markdown and JSON."""

import os
import platform
from dataclasses import asdict, dataclass, field

import budgets
import table
from peers import PEERS
from table import aligned, markdown, ratio, time

MEGABYTE = 1024  # kilobytes
README_TOOLS = (*budgets.OUR_LOOKS[::2], *(peer.name for peer in PEERS))


@dataclass
class Report:
    rows: list = field(default_factory=list)
    cold: list = field(default_factory=list)  # (what, CPU, wall)
    growth: list = field(default_factory=list)  # (captures, kilobytes)
    depth: list = field(default_factory=list)  # (frames made, tool, frames found, complete, CPU, wall)
    modules: list = field(default_factory=list)  # (modules more, tool, frames found, complete, CPU, wall)
    memory: dict = field(default_factory=dict)  # kilobytes
    exporter: int | None = None  # kilobytes
    server: object | None = None  # server_side.ServerSide
    web: object | None = None  # web.Web
    budgets: list = field(default_factory=list)
    noise: float = 0.0  # share of the machine that others used before the run

    def as_dict(self):
        return asdict(self) | {"machine": machine()}

    def text(self):
        """Everything."""
        lines = [self.circumstances(), ""]
        for title in dict.fromkeys(row.target for row in self.rows):
            rows = [row for row in self.rows if row.target == title]
            lines += [title, *aligned(table.HEAD, [table.cells(row, rows[0]) for row in rows]), ""]
        if self.cold:
            cells = [(what, time(cpu), time(wall)) for what, cpu, wall in self.cold]
            lines += ["pghangd cold and warm", *aligned(("capture", "CPU", "wall"), cells), ""]
        if self.depth:
            lines += ["By depth of the stack", *aligned(growth_head("depth"), growth_cells(self.depth)), ""]
        if self.modules:
            lines += ["By number of modules", *aligned(growth_head("modules"), growth_cells(self.modules)), ""]
        if self.growth:
            lines += ["Memory (PSS)", *aligned(("what", "MB"), self.memory_cells()), ""]
        if self.server:
            lines += self.server.text()
        if self.web:
            lines += self.web.text()
        if self.budgets:
            lines += ["Budgets (DESIGN section 9)", *aligned(budgets.HEAD, [budget.cells() for budget in self.budgets])]
        return lines

    def for_readme(self):
        """The section `What a look costs`, without its heading."""
        rows = [row for row in self.rows if row.tool in README_TOOLS]
        lines = [f"{self.circumstances()}.", ""]
        if rows:
            lines += [*markdown(table.SHORT_HEAD, table.short_cells(rows)), ""]
        if self.server:
            lines += [*self.server.for_readme(), ""]
        if self.web:
            lines += [*self.web.for_readme(), ""]
        return [*lines, *markdown(budgets.HEAD, [budget.cells() for budget in self.budgets])]

    def circumstances(self):
        return f"{machine()}; others used {100 * self.noise:.0f} % of it before the run"

    def memory_cells(self):
        cells = [(f"sampler after {count:,} captures", f"{size / MEGABYTE:.2f}") for count, size in self.growth]
        cells += [(f"pghangd: {name}", f"{size / MEGABYTE:.2f}") for name, size in self.memory.items()]
        if self.memory:
            other = "not installed" if self.exporter is None else f"{self.exporter / MEGABYTE:.2f}"
            cells.append(("postgres_exporter", other))
        return cells


def growth_head(key):
    return key, "tool", "frames", "CPU", "x", "wall", "complete"


def growth_cells(measured):
    """CPU beside the warm sampler's of the same target."""
    base = {key: cpu for key, tool, _, _, cpu, _ in measured if tool == "sampler, warm"}
    return [
        (str(key), tool, str(frames), time(cpu), ratio(cpu, base[key]), time(wall), "to _start" if complete else "cut off")
        for key, tool, frames, complete, cpu, wall in measured
    ]


def machine():
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    return f"{len(os.sched_getaffinity(0))} cores ({model}), Linux {platform.release()}"
