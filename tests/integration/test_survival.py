"""Whatever of ours dies, wherever it dies: the target runs on, and the next capture works."""

import os
import signal

import pytest
from support import process
from support.cluster import Session
from support.daemon import rule
from support.waiting import wait_until

POINTS = ["before_seize", "after_interrupt", "while_stopped", "after_detach"]
ROUNDS = 20


@pytest.fixture(scope="module")
def spinner(cluster):
    """A backend on CPU: its captures go through ptrace_stop, so there is something to die in."""
    one = Session(cluster, "survival-spinner")
    one.start("SELECT py_spin(600)")
    wait_until(lambda: process.state(one.pid) == "R")
    yield one
    assert process.state(one.pid) == "R"
    cluster.sql("SELECT 1")


def assert_untouched(pid):
    assert process.state(pid) == "R", process.state(pid)
    assert process.tracer(pid) == 0


def hooked(daemon, binaries, victim, point, times, folder):
    """A daemon in observe mode that captures the spinner every 100 ms with the hooked helper."""
    counter = folder / f"{victim}-{point}"
    counter.write_text(str(times))
    counter.chmod(0o666)
    return daemon(
        [rule("spin", "survival-spinner", action="observe")],
        mode="observe",
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
    assert_untouched(spinner.pid)
    successes = pghangd.metric("pghangd_captures_total", method="ptrace_stop") or 0
    wait_until(lambda: (pghangd.metric("pghangd_captures_total", method="ptrace_stop") or 0) > successes)
    if victim == "worker":
        wait_until(lambda: (pghangd.metric("pghangd_sampler_restarts_total") or 0) >= ROUNDS)
    assert pghangd.process.poll() is None
    assert_untouched(spinner.pid)


@pytest.mark.parametrize("point", POINTS)
def test_the_daemon_killed_in_mid_capture_leaves_no_helper_and_no_trace(cluster, spinner, daemon, binaries, point):
    for _ in range(ROUNDS):
        pghangd = hooked(daemon, binaries, "daemon", point, 1, cluster.folder)
        family = pghangd.family()
        assert pghangd.process.wait(20) == -signal.SIGKILL
        wait_until(lambda: not [pid for pid in family if process.alive(pid)], what="helpers gone")
        assert_untouched(spinner.pid)


def test_the_daemon_ends_with_an_error_when_its_keeper_is_killed(spinner, daemon):
    pghangd = daemon([rule("spin", "survival-spinner", action="observe")], mode="observe")
    family = pghangd.family()
    os.kill(pghangd.keeper(), signal.SIGKILL)
    assert pghangd.process.wait(5) not in (0, None)
    assert pghangd.events("keeper_ended")
    wait_until(lambda: not [pid for pid in family if process.alive(pid)], what="helpers gone")
    assert_untouched(spinner.pid)
