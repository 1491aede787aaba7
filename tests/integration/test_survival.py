"""Whatever of ours dies, wherever it dies: the target runs on, and the next capture works."""

import os
import signal

import pytest
from support import process
from support.cluster import SPIN, Session
from support.daemon import rule
from support.waiting import wait_until

POINTS = ["before_seize", "after_interrupt", "while_stopped", "after_detach"]
ROUNDS = 20


@pytest.fixture(scope="module")
def spinner(cluster):
    """A backend on CPU: its captures go through ptrace_stop, so there is something to die in."""
    one = Session(cluster, "survival-spinner")
    one.start(SPIN)
    wait_until(lambda: process.state(one.pid) == "R")
    yield one
    process.assert_runs_free(one.pid)
    cluster.sql(f"SELECT pg_terminate_backend({one.pid})")


def wait_helpers_gone(before):
    """Not by a list taken while the daemon lived: it may have forked a capture child since."""
    wait_until(lambda: not set(process.named("pghangd")) - before, what="helpers gone")


def hooked(daemon, binaries, victim, point, times, folder):
    """A daemon in observe mode that captures the spinner every 100 ms with the hooked helper."""
    counter = folder / f"{victim}-{point}"
    counter.write_text(str(times))
    counter.chmod(0o666)
    return daemon(
        [rule("spin", "survival-spinner", action="observe")],
        mode="observe",
        wait=victim != "daemon",  # that one may be dead before it is ready
        extra="sampling: {repeat: 100ms, samples: 1, deadline: 2s}",
        arguments=["--sampler.program", binaries / "pghangd-sampler-hooked"],
        env={"PGHANG_TEST_KILL": victim, "PGHANG_TEST_AT": point, "PGHANG_TEST_COUNT_FILE": str(counter)},
    )


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("victim", ["child", "worker"])
def test_a_killed_helper_costs_one_capture(cluster, spinner, daemon, binaries, victim, point):
    pghangd = hooked(daemon, binaries, victim, point, ROUNDS, cluster.folder)
    def failures():
        return sum(
            pghangd.metric("pghangd_captures_total", result=result) or 0 for result in ("io", "disconnected", "timeout")
        )

    seen = []
    wait_until(lambda: seen.append(process.state(spinner.pid)) or failures() >= ROUNDS, timeout=60, every=0.02)
    assert "T" not in seen
    process.assert_runs_free(spinner.pid)
    successes = pghangd.metric("pghangd_captures_total", method="ptrace_stop") or 0
    wait_until(lambda: (pghangd.metric("pghangd_captures_total", method="ptrace_stop") or 0) > successes)
    if victim == "worker":
        wait_until(lambda: (pghangd.metric("pghangd_sampler_restarts_total") or 0) >= ROUNDS)
    assert pghangd.process.poll() is None
    process.assert_runs_free(spinner.pid)


@pytest.mark.parametrize("point", POINTS)
def test_the_daemon_killed_in_mid_capture_leaves_no_helper_and_no_trace(cluster, spinner, daemon, binaries, point):
    before = set(process.named("pghangd"))
    for _ in range(ROUNDS):
        pghangd = hooked(daemon, binaries, "daemon", point, 1, cluster.folder)
        assert pghangd.process.wait(20) == -signal.SIGKILL
        wait_helpers_gone(before)
        process.assert_runs_free(spinner.pid)


def test_the_daemon_ends_with_an_error_when_its_keeper_is_killed(spinner, daemon):
    before = set(process.named("pghangd"))
    pghangd = daemon([rule("spin", "survival-spinner", action="observe")], mode="observe")
    os.kill(pghangd.keeper(), signal.SIGKILL)
    assert pghangd.process.wait(5) not in (0, None)
    assert pghangd.events("keeper_ended")
    wait_helpers_gone(before)
    process.assert_runs_free(spinner.pid)
