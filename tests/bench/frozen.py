"""The look at backends in D state, last and on a cluster of its own: tools that attach never return there, and leave the
backend stopped when they are killed."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from measure import Look, Measurement, state_after
from peers import PEERS, addresses, complete
from runner import Runner
from support.sched_trace import SchedTrace
from targets import in_d_state
from zoo.stage import Stage

FROZEN_SECONDS = 90


def look_at_d_state(runner, sampler, our_quotas, in_turn, timeout, say):
    """Looks, each with the backend's state once the file system had been thawed. `our_quotas` of a Measurement."""
    stage = Stage()
    try:
        with in_d_state(stage, 1 + len(PEERS), FROZEN_SECONDS) as (backends, thaw):
            ours, victims = backends[0], backends[1:]
            with Measurement(ours, runner, sampler) as measurement:
                looks = in_turn(our_quotas(measurement), 3)
            peers = [peer for peer in PEERS if not peer.missing()]
            say(f"{', '.join(peer.name for peer in peers)}: {timeout:.0f} s each")
            with ExitStack() as traces, ThreadPoolExecutor(len(PEERS)) as pool:
                watched = [traces.enter_context(SchedTrace(victim.pid, system_calls=True)) for victim in victims]
                runs = list(pool.map(lambda peer, victim: attach(peer, victim, timeout), peers, victims))
                thaw()
                looks = [replace(look, after=f"{state_after(ours.pid)} after the thaw") for look in looks]
                for peer, ran, victim, trace in zip(peers, runs, victims, watched):
                    after = state_after(victim.pid)
                    looks.append(look_of(peer, ran, trace.take(), f"{after} after the thaw"))
            return looks, ours.title
    finally:
        stage.close()


def attach(peer, backend, timeout):
    """What becomes of one tool that is given so many seconds."""
    with Runner() as runner:
        return runner.run(peer.command(backend.pid), timeout, peer.interrupt_after)


def look_of(peer, ran, events, after):
    frames = peer.frames(ran.out)
    return Look(
        tool=peer.name, returned=ran.returned, wall=ran.wall, cpu=ran.cpu, held=events.held, reported=None,
        interrupted=len(events.interrupted), frames=len(frames), named=sum(frame.name is not None for frame in frames),
        right=None, wrong=None, complete=complete(frames), addresses=addresses(frames), moved=None, after=after,
    )
