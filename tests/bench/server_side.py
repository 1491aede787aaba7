"""What watching costs, and the cancel's window: everything that a server with many connections is needed for."""

from dataclasses import dataclass, field

import locks as lock_bench
import polls as poll_bench
import service
import window as window_bench
from budgets import Budget
from crowd import ACTIVE, IN_TRANSACTION, crowd
from table import aligned, markdown, ratio, time

CONNECTIONS = 1000
WAITERS = 900
KILOBYTE = 1024


@dataclass(frozen=True)
class Effort:
    seconds: float  # of polls, of refreshes
    idle: float  # seconds
    latencies: int
    cancels: int  # of each method, on each server


FULL = Effort(10, 60, 30, 500)
QUICK = Effort(5, 20, 8, 100)


@dataclass
class ServerSide:
    polls: list = field(default_factory=list)
    locks: lock_bench.LockCost | None = None
    window: list = field(default_factory=list)  # (connections, Tries)
    idle: float | None = None
    late: list = field(default_factory=list)

    def budgets(self):
        (poll, view), interval = self.polls[:2], service.INTERVAL
        backs_off = f"{time(self.locks.server)} a look, {self.locks.asked} in {self.locks.polls} polls, {self.locks.backed_off} left out"
        return [
            Budget(f"one poll, {CONNECTIONS:,} connections: statements", "1", f"{poll.statements:.2f}", round(poll.statements, 2) == 1),
            Budget("  rows", f"{ACTIVE + IN_TRANSACTION}, not idle", f"{poll.rows:.0f}", round(poll.rows) <= ACTIVE + IN_TRANSACTION),
            Budget("  server time", "2 ms", time(poll.server), poll.server <= 2000),
            Budget("  CPU of the backend, against the view", "<= 1/2", f"{poll.cpu / view.cpu:.2f}", poll.cpu <= view.cpu / 2),
            Budget(f"locks, {WAITERS} waiters", "20 ms or backs off", backs_off, self.locks.server <= 20_000 or self.locks.backed_off > 0),
            Budget("threshold crossed to signal", f"{interval:g} s + 100 ms", time(max(self.late) * 1e6), max(self.late) <= interval + 0.1),
            Budget("daemon CPU, idle server, 5 s poll", "0.1 % of a core", f"{100 * self.idle:.3f} %", self.idle <= 0.001),
        ]

    def text(self):
        lines = [f"A server with {CONNECTIONS:,} connections, {ACTIVE} active and {IN_TRANSACTION} idle in transaction"]
        lines += [*aligned(POLL_HEAD, self.poll_cells()), "", "Cancels at the end of the statement they are meant for"]
        return [*lines, *aligned(WINDOW_HEAD, self.window_cells()), ""]

    def for_readme(self):
        return [*markdown(POLL_HEAD, self.poll_cells()), "", *markdown(WINDOW_HEAD, self.window_cells())]

    def poll_cells(self):
        base = self.polls[0]
        return [
            (
                cost.tool, f"{cost.statements:.1f}", time(cost.server), ratio(cost.server, base.server), time(cost.least),
                "-" if cost.cpu is None else time(cost.cpu), ratio(cost.cpu, base.cpu), f"{cost.rows:.0f}",
                f"{cost.received / KILOBYTE:.1f} kB", ratio(cost.received, base.received), str(cost.n),
            )
            for cost in self.polls
        ]

    def window_cells(self):
        plain = {count: one for count, one in self.window if one.method == window_bench.PLAIN}
        return [
            (
                f"{count:,}", one.method, str(one.n), str(one.accepted), str(one.judged), str(one.innocent),
                f"{100 * one.innocent / one.n:.1f} %", ratio(one.innocent / one.n, plain[count].innocent / plain[count].n),
            )
            for count, one in self.window
        ]


POLL_HEAD = ("tool", "statements", "server time", "x", "least", "backend's CPU", "x", "rows", "received", "x", "n")
WINDOW_HEAD = ("connections", "method", "cancels", "accepted", "hit theirs", "hit the next", "", "x")


def measure(binaries, effort, say):
    found = ServerSide()
    for tool in poll_bench.missing():
        say(f"left out: {tool}")
    say(f"a server with {CONNECTIONS:,} connections")
    with crowd(CONNECTIONS) as cluster:
        say("polls, scrapes, refreshes")
        found.polls = poll_bench.measure(cluster, binaries, effort.seconds)
        say("cancels at the worst moment")
        found.window += [(CONNECTIONS, one) for one in window_bench.measure(cluster, effort.cancels)]
    with crowd(40 + ACTIVE + IN_TRANSACTION) as cluster:
        found.window += [(90, one) for one in window_bench.measure(cluster, effort.cancels)]
        say("threshold to signal")
        found.late = service.threshold_to_signal(cluster, binaries, effort.latencies)
        say("an idle daemon")
        found.idle = service.idle_share(cluster, binaries, effort.idle)
    say(f"{WAITERS} lock waiters")
    with crowd(0, room=WAITERS) as cluster:
        found.locks = lock_bench.measure(cluster, binaries, WAITERS, 2 * effort.seconds)
    return found
