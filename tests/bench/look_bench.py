"""What a look costs: pghangd beside gdb, eu-stack and strace, on the same backends, in one run. scripts/bench starts it."""

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import budgets  # noqa: E402
import costs  # noqa: E402
import memory  # noqa: E402
import peers  # noqa: E402
import server_side  # noqa: E402
import targets  # noqa: E402
import web  # noqa: E402
from frozen import look_at_d_state  # noqa: E402
from measure import Measurement, in_turn  # noqa: E402
from report import Report  # noqa: E402
from runner import Runner  # noqa: E402
from support import abilities, process  # noqa: E402
from support.cluster import remove_folder  # noqa: E402
from support.daemon import UNIT_CAPABILITIES, as_user, install  # noqa: E402
from table import summarise  # noqa: E402
from support.warm_sampler import ONE_LOOK, Request, WarmSampler  # noqa: E402
from zoo.stage import Stage  # noqa: E402


@dataclass(frozen=True)
class Effort:
    """How many looks of each tool at each backend, and so on."""

    one_look: int
    as_daemon: int
    diagnose: int
    gdb: int
    eu_stack: int
    strace: int
    rounds: int
    cold: int
    captures: tuple  # marks at which the sampler's memory is read
    beside: int  # runs of the other tools where cost is shown by depth and modules
    d_timeout: float
    scrapes: int  # seconds of each kind


FULL = Effort(1000, 200, 20, 10, 50, 10, 10, 5, (0, 1_000, 10_000), 3, 10.0, 20)
QUICK = Effort(200, 20, 3, 2, 10, 2, 2, 2, (0, 200, 1_000), 1, 4.0, 3)


class Bench:
    """One run. `say` tells the person who waits what happens."""

    def __init__(self, effort, say):
        self.effort = effort
        self.say = say
        self.prefix = as_user(UNIT_CAPABILITIES)
        self.undo = ExitStack()

    def __enter__(self):
        with ExitStack() as undo:
            folder = tempfile.mkdtemp(prefix="pghangd-bench-", dir="/tmp")
            undo.callback(remove_folder, folder)
            self.binaries = install(folder)
            self.diagnose = peers.diagnose(self.binaries, self.prefix)
            self.runner = undo.enter_context(Runner())
            self.say("a cluster")
            self.stage = Stage()
            undo.callback(self.stage.close)
            self.postmaster = self.stage.cluster.postmaster
            self.undo = undo.pop_all()
        return self

    def __exit__(self, *failure):
        self.undo.__exit__(*failure)

    def new_sampler(self):
        """As the daemon's: another user's, with the unit's capabilities."""
        return WarmSampler(self.binaries, self.prefix)

    def our_quotas(self, measurement, share=1.0):
        e = self.effort
        one, daemon, _ = budgets.OUR_LOOKS
        return [
            (lambda n: measurement.warm(one, ONE_LOOK, n), int(e.one_look * share)),
            (lambda n: measurement.warm(daemon, Request(), n), int(e.as_daemon * share)),
            (lambda n: [measurement.command(self.diagnose) for _ in range(n)], e.diagnose),
        ]

    def looks_at(self, make, share=1.0):
        """Rows of one backend, all tools in turn. `share` of our own looks."""
        with make as backend:
            self.say(backend.title)
            with Measurement(backend, self.runner, self.sampler) as measurement:
                measurement.warm("", ONE_LOOK, 5)
                quotas = self.our_quotas(measurement, share)
                counts = {peers.GDB: self.effort.gdb, peers.EU_STACK: self.effort.eu_stack, peers.STRACE: self.effort.strace}
                for peer, count in counts.items():
                    if not peer.missing():
                        quotas.append((lambda n, p=peer: [measurement.command(p) for _ in range(n)], count))
                return summarise(backend.title, in_turn(quotas, self.effort.rounds))

    def run(self, only):
        report = Report()
        for peer in peers.PEERS:
            if peer.missing():
                self.say(f"left out: {peer.name}: {peer.missing()}")
        steps = {
            "memory": self.memory,  # first: another sampler would share its pages, and so make each look smaller
            "blocked": self.blocked,
            "running": self.running,
            "costs": self.costs,
            "dstate": self.d_state,
            "server": self.server,
            "web": self.web,
        }
        for name, step in steps.items():
            if only in (None, name):
                step(report)
        if report.rows:
            report.budgets.append(budgets.of_look_cpu(report.rows))
        return report

    @cached_property
    def sampler(self):
        """The warm one."""
        sampler = self.undo.enter_context(self.new_sampler())
        sampler.prewarm(self.postmaster)
        return sampler

    def blocked(self, report):
        rows = [*self.looks_at(targets.in_epoll_wait(self.stage)), *self.looks_at(targets.in_futex(self.stage))]
        report.rows += rows
        report.budgets.append(budgets.of_blocked(rows, "blocked backend"))

    def running(self, report):
        free = self.looks_at(targets.spinning(self.stage))
        # A look takes twenty times as long there: whoever is not real-time waits for its turn.
        busy = self.looks_at(targets.spinning_among_hogs(self.stage, 240), share=0.5 if self.effort is FULL else 1.0)
        report.rows += [*free, *busy]
        report.budgets += budgets.of_running(free, "running backend held, a core free", 60, 500)
        report.budgets += budgets.of_running(busy, "running backend held, all busy", 100, 1000)

    def costs(self, report):
        e = self.effort
        with targets.in_epoll_wait(self.stage) as asleep:
            self.say("cold and warm")
            report.cold = costs.cold_and_warm(self.new_sampler, asleep.pid, self.postmaster, e.cold)
            stack_alone = {asleep.title: costs.of_the_stack_alone(self.binaries / "stack_benchmark", asleep.pid)}
        with targets.spinning(self.stage) as running:
            stack_alone[running.title] = costs.of_the_stack_alone(self.binaries / "stack_benchmark", running.pid)
        report.budgets.append(budgets.of_stack_cpu(stack_alone))
        tools = [tool for tool in costs.TOOLS_BESIDE if not tool.missing()]
        program = self.binaries / "deep_target"
        self.say("cost by depth of the stack")
        report.depth = costs.by_depth(self.runner, self.sampler, program, tools, e.beside)
        self.say("cost by number of modules")
        folder = self.binaries / "libraries"
        folder.mkdir()
        report.modules = costs.by_modules(self.runner, self.sampler, program, folder, tools, e.beside)

    def memory(self, report):
        self.say("memory of a daemon")
        report.memory = memory.of_daemon(self.stage.cluster, self.binaries)
        report.exporter = memory.of_exporter(self.stage.cluster)
        with targets.in_epoll_wait(self.stage) as asleep, targets.spinning(self.stage) as running, self.new_sampler() as fresh:
            self.say(f"memory of the sampler after {self.effort.captures[-1]:,} captures")
            fresh.prewarm(self.postmaster)
            report.growth = memory.of_sampler(fresh, (asleep.pid, running.pid), self.effort.captures)
        report.budgets += [budgets.of_memory(report.memory), budgets.of_growth(report.growth)]

    def server(self, report):
        effort = server_side.FULL if self.effort is FULL else server_side.QUICK
        report.server = server_side.measure(self.binaries, effort, self.say)
        report.budgets += report.server.budgets()

    def web(self, report):
        for tool in web.missing():
            self.say(f"left out: {tool}")
        if web.can_measure():
            report.web = web.measure(self.stage.cluster, self.binaries, self.effort.scrapes, self.say)
            report.budgets += budgets.of_scrapes(report.web.series, report.web.scrapes)

    def d_state(self, report):
        if reason := abilities.loop_device():
            self.say(f"left out: D state: {reason}")
            return
        self.say("in D state, on a cluster of its own")
        looks, title = look_at_d_state(self.runner, self.sampler, self.our_quotas, in_turn, self.effort.d_timeout, self.say)
        rows = summarise(title, looks)
        report.rows += rows
        report.budgets += [budgets.of_blocked(rows, "backend in D state"), budgets.of_d_state(rows)]


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer looks: at most 2 minutes instead of 8")
    parser.add_argument("--only", choices=("blocked", "running", "costs", "memory", "dstate", "server", "web"), help="one part of it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure there")
    parser.add_argument("--markdown", action="store_true", help="also print README's section `What a look costs`")
    parser.add_argument("--no-budgets", action="store_true", help="exit 0 even if a budget is exceeded")
    return parser.parse_args()


def main():
    asked = arguments()
    for reason in (abilities.root(), abilities.scheduler_trace(system_calls=True)):
        if reason:
            print(f"bench: {reason}", file=sys.stderr)
            sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of everything that undoes
    began = time.monotonic()
    say = lambda text: print(f"[{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)
    noise = process.machine_busy(1.0)
    say(f"other processes use {100 * noise:.0f} % of the machine; absolute times mean something when that is little")
    with Bench(QUICK if asked.quick else FULL, say) as bench:
        report = bench.run(asked.only)
    report.noise = noise
    print("\n".join(report.text()))
    if asked.markdown:
        print("", *report.for_readme(), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps(report.as_dict(), indent=1) + "\n")
    say("done")
    over = [budget.what for budget in report.budgets if not budget.held]
    if over and not asked.no_budgets:
        sys.exit(f"bench: over budget: {'; '.join(over)}")


if __name__ == "__main__":
    main()
