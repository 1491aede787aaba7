"""Several samples of one backend: is it moving?"""

import json

from support import process
from support.cluster import SPIN, release_fifo
from support.waiting import wait_until


def diagnosed(pghangd, pid, *arguments):
    answer = pghangd("diagnose", pid, "--json", *arguments)
    assert answer.returncode in (0, 1), answer.stderr
    return json.loads(answer.stdout)


def test_a_loop_shows_different_stacks_each_by_one_short_stop(pghangd, cluster, session):
    one = session()
    one.start(SPIN).active()
    wait_until(lambda: process.state(one.pid) == "R")
    report = diagnosed(pghangd, one.pid, "--samples", "8", "--interval", "30ms")
    samples = report["samples"]
    assert samples["count"] == 8 and samples["distinct"] > 1 and samples["moving"] is True, samples
    assert samples["cpu_seconds"] > 0 and samples["write_bytes"] == 0
    assert 1 < samples["stops"] <= 8 and samples["held_us"] > 0
    assert report["stack"]["held_us"] == samples["held_us"]
    text = pghangd("diagnose", one.pid, "--samples", "8", "--interval", "30ms").stdout
    assert "different stacks in " in text and "it is moving" in text and " times for " in text
    process.assert_runs_free(one.pid)
    unstopped = diagnosed(pghangd, one.pid, "--no-stop", "--samples", "8")["samples"]
    assert unstopped["stops"] == 0 and unstopped["held_us"] == 0
    cluster.sql(f"SELECT pg_terminate_backend({one.pid})")


def test_a_blocked_backend_shows_the_same_stack_and_does_not_move(pghangd, cluster, session):
    fifo = cluster.fifo("samples-fifo")
    one = session()
    one.start(f"COPY t FROM '{fifo}'")
    wait_until(lambda: process.wchan(one.pid) == "wait_for_partner")
    try:
        samples = diagnosed(pghangd, one.pid)["samples"]
        text = pghangd("diagnose", one.pid).stdout
    finally:
        release_fifo(fifo)
        one.wait()
        fifo.unlink()
    assert samples == {
        "count": 5, "distinct": 1, "stops": 0, "held_us": 0, "cpu_seconds": 0, "switches": 0,
        "read_bytes": 0, "write_bytes": 0, "moving": False,
    }
    assert "5 of 5 stacks identical" in text and "it is not moving" in text


def test_slow_progress_is_moving(pghangd, cluster, session):
    one = session(user="postgres")
    one.start("COPY (SELECT repeat('x', 1000), generate_series(1, 1000000000)) TO '/dev/null'").active()
    try:
        report = diagnosed(pghangd, one.pid, "--samples", "4", "--interval", "200ms")
    finally:
        cluster.sql(f"SELECT pg_terminate_backend({one.pid})")
        one.wait()
    samples = report["samples"]
    assert samples["moving"] is True and samples["write_bytes"] > 0, samples
    assert report["verdict"]["cause"] == "not_stuck"
