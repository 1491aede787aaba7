"""Looks at one backend with every tool in turn, and what each look cost the backend, by the scheduler's trace."""

import math
from dataclasses import dataclass

from names import judge
from peers import addresses, complete
from support import process
from support.sched_trace import SchedTrace
from support.standstill import standstill
from support.waiting import wait_until

TIMEOUT = 20.0


@dataclass(frozen=True)
class Look:
    """One look of one tool. Microseconds."""

    tool: str
    returned: bool
    wall: float
    cpu: float
    held: float | None  # by the scheduler's trace; None: it was not let go again
    reported: float | None  # held, as the tool itself says
    interrupted: int  # system calls of the backend that were left before they were done
    frames: int
    named: int
    right: int | None  # names of symbols that cover the address; None: not judged
    wrong: int | None
    complete: bool  # down to `_start`
    addresses: frozenset  # of its frames, where the tool prints them
    moved: bool | None  # a blocked backend's switch counters or system call changed; None: it was not blocked
    after: str  # state letter afterwards, `+traced` where somebody still traces it


def state_after(pid, patience=1.0):
    """A process that was just let go may be seen in `t` until it next runs; one left behind stays so."""

    def settled():
        state = process.state(pid)
        return state if state not in ("t", "T") and process.tracer(pid) == 0 else None

    try:
        return wait_until(settled, timeout=patience, every=0.005)
    except AssertionError:
        return (process.state(pid) or "gone") + ("+traced" if process.tracer(pid) else "")


class Measurement:
    """Of one backend, while it is entered."""

    def __init__(self, backend, runner, sampler):
        self.backend = backend
        self.pid = backend.pid
        self.runner = runner
        self.sampler = sampler
        self.trace = SchedTrace(backend.pid, system_calls=backend.blocked)

    def __enter__(self):
        self.trace.__enter__()
        return self

    def __exit__(self, *failure):
        self.trace.__exit__(*failure)

    def command(self, peer):
        """One look of a whole command."""
        before = standstill(self.pid) if self.backend.blocked else None
        ran = self.runner.run(peer.command(self.pid), TIMEOUT, peer.interrupt_after)
        after = state_after(self.pid)
        moved = standstill(self.pid) != before if before else None
        events = self.trace.take()
        frames = peer.frames(ran.out)
        right, wrong = judge(self.pid, frames)
        return Look(
            tool=peer.name, returned=ran.returned, wall=ran.wall, cpu=ran.cpu, held=events.held, reported=None,
            interrupted=len(events.interrupted), frames=len(frames), named=sum(f.name is not None for f in frames),
            right=right, wrong=wrong, complete=complete(frames), addresses=addresses(frames), moved=moved, after=after,
        )

    def warm(self, name, request, count):
        """So many looks of the warm sampler."""
        before = standstill(self.pid) if self.backend.blocked else None
        captures = self.sampler.captures(self.pid, count, request)
        after = state_after(self.pid)
        moved = standstill(self.pid) != before if before else None
        events = self.trace.take()
        looks = []
        # Whatever comes after a capture and before the next one is put down to it.
        starts = [0, *(capture["start_us"] for capture in captures[1:]), math.inf]
        for capture, start, end in zip(captures, starts, starts[1:]):
            of_it = events.between(start, end)
            looks.append(Look(
                tool=name, returned=True, wall=capture["end_us"] - capture["start_us"], cpu=capture["cpu_us"], held=of_it.held,
                reported=capture["held_us"], interrupted=len(of_it.interrupted), frames=capture["frames"],
                named=capture["named"], right=None, wrong=None, complete=capture["complete"],
                addresses=frozenset(), moved=moved, after=after,
            ))
        return looks


def in_turn(quotas, rounds):
    """Spreads calls over rounds, so that drift of the machine hits all tools alike. `quotas`: (call of a count, count)."""
    looks = []
    for number in range(rounds):
        for call, count in quotas:
            share = count * (number + 1) // rounds - count * number // rounds
            if share:
                looks += call(share)
    return looks
