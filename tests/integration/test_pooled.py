"""Behind a pooler: whoever comes next on a connection whose statement was cancelled is innocent."""

import shutil
import threading
import time
from dataclasses import dataclass, field

import psycopg2
import psycopg2.errors
import pytest
from support.daemon import rule
from support.pooler import Pooler

LANES = 8
ROUNDS = 25  # in each lane: 200 in all
GRACE = 0.5
PATIENCE = 90.0


@dataclass
class Lane:
    """What became of the rounds of one server connection."""

    cancelled: int = 0
    reused: int = 0  # the next client came to the same backend within the grace
    outlived: int = 0  # and was there when the grace was over
    harm: list = field(default_factory=list)  # what innocent clients were told
    wrong: list = field(default_factory=list)


def slow_transaction(client, lane):
    """Returns its backend, once it was cancelled."""
    with client.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
        try:
            cursor.execute("SELECT pg_sleep(30)")
            lane.wrong.append("a slow statement was not cancelled")
        except psycopg2.errors.QueryCanceled:
            lane.cancelled += 1
        cursor.execute("ROLLBACK")
    return backend


def innocent_transaction(client, lane):
    """Longer than the grace, by statements of which none is slow. Returns its backend and when it came to it."""
    with client.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
        began = time.monotonic()
        while time.monotonic() < began + GRACE + 0.3:
            cursor.execute("SELECT pg_sleep(0.1)")
        cursor.execute("COMMIT")
    return backend, began


def run_lane(pooler, number, app_name, lane, until):
    slow, innocent = pooler.connect(number, app_name), pooler.connect(number, app_name)
    came = []

    def come_next():
        try:
            came.append(innocent_transaction(innocent, lane))
        except psycopg2.Error as error:
            lane.harm.append(str(error))

    try:
        for _ in range(ROUNDS):
            if time.monotonic() > until:
                lane.wrong.append("took too long")
                return
            came.clear()
            waiting = threading.Timer(0.1, come_next)  # queued by pgbouncer, behind the slow one
            waiting.start()
            backend = slow_transaction(slow, lane)
            cancelled_at = time.monotonic()
            waiting.join()
            if lane.harm:
                return
            reused = came[0][0] == backend and came[0][1] - cancelled_at < GRACE
            lane.reused += reused
            lane.outlived += reused and time.monotonic() > cancelled_at + GRACE
    except psycopg2.Error as error:
        lane.harm.append(f"the pooled connection itself: {error}")
    finally:
        slow.close()
        innocent.close()


def test_the_next_client_of_a_pooled_connection_is_never_signalled(cluster, daemon, app_name):
    """200 times a cancelled statement's connection is somebody else's before the terminate is due."""
    if shutil.which("pgbouncer") is None:
        pytest.skip("needs pgbouncer")
    pghangd = daemon([rule("slow", app_name, grace=f"{int(GRACE * 1000)}ms")], extra="polling:\n  interval: 100ms")
    pooler = Pooler(cluster, LANES).start()
    try:
        lanes = [Lane() for _ in range(LANES)]
        until = time.monotonic() + PATIENCE
        threads = [threading.Thread(target=run_lane, args=(pooler, n, app_name, lane, until)) for n, lane in enumerate(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        pooler.stop()
    cancelled, reused, outlived = (sum(getattr(lane, what) for lane in lanes) for what in ("cancelled", "reused", "outlived"))
    print(f"{cancelled} cancelled; {reused} times the next client came to the same backend within the grace, {outlived} outlived it")
    assert not [harm for lane in lanes for harm in lane.harm]
    assert not [wrong for lane in lanes for wrong in lane.wrong]
    assert cancelled == LANES * ROUNDS and outlived >= 0.95 * cancelled, lanes
    assert pghangd.metric("pghangd_signals_total", signal="cancel", outcome="accepted") == cancelled
    assert pghangd.metric("pghangd_signals_total", signal="terminate", outcome="accepted") == 0
    assert not pghangd.events("terminate_sent")
