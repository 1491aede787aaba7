"""Sent, seen, serviced, gone: what became of a signal is looked up in the backend's memory, between two polls."""

from support.cluster import release_fifo
from support.daemon import rule
from support.waiting import wait_until

SLOW_POLLS = "polling:\n  interval: 3s"


def sent(pghangd, pid, signal, **wanted):
    """The incident's entry of this signal, once all that is wanted of it is (True) there or (False) is not."""

    def probe():
        incident = pghangd.incident(pid) or {"signals": []}
        for entry in incident["signals"]:
            if entry["signal"] == signal and all((entry[f"{what}_seconds"] is not None) is there for what, there in wanted.items()):
                return entry
        return None

    return wait_until(probe, what=f"{signal} of {pid}: {wanted}")


def counts(pghangd, signal):
    names = {"seen": "seen", "serviced": "serviced", "gone": "effect"}
    return {step: pghangd.metric(f"pghangd_signal_{name}_seconds_count", signal=signal) for step, name in names.items()}


def test_a_cancel_that_is_obeyed_is_known_gone_before_the_next_poll(session, daemon, app_name):
    stuck = session().start("SELECT pg_sleep(60)")
    pghangd = daemon([rule("stuck", app_name)], extra=SLOW_POLLS)
    entry = sent(pghangd, stuck.pid, "cancel", gone=True)
    assert 0 < entry["seen_seconds"] <= entry["serviced_seconds"] <= entry["gone_seconds"] < 2.5, entry
    pghangd.wait_incident(stuck.pid, outcome="cancelled")
    assert counts(pghangd, "cancel") == {"seen": 1, "serviced": 1, "gone": 1}
    assert counts(pghangd, "terminate") == {"seen": 0, "serviced": 0, "gone": 0}
    stuck.wait()


def test_a_terminate_that_is_obeyed_is_known_gone_before_the_next_poll(session, daemon, app_name):
    idle = session()
    idle.execute("BEGIN")
    pghangd = daemon([rule("idle", app_name, state="idle in transaction", query_age=None, state_age="300ms")], extra=SLOW_POLLS)
    entry = sent(pghangd, idle.pid, "terminate", gone=True)
    assert 0 < entry["seen_seconds"] <= entry["serviced_seconds"] <= entry["gone_seconds"] < 2.5, entry
    pghangd.wait_incident(idle.pid, outcome="terminated")
    assert counts(pghangd, "terminate") == {"seen": 1, "serviced": 1, "gone": 1}


def test_a_backend_that_cannot_serve_it_has_seen_it_and_no_more(cluster, session, daemon, app_name):
    fifo = cluster.fifo("outcome-fifo")
    stuck = session().start(f"COPY t FROM '{fifo}'")
    pghangd = daemon([rule("stuck", app_name)])
    try:
        pghangd.wait_incident(stuck.pid, stage="unresponsive")
        entry = sent(pghangd, stuck.pid, "terminate", seen=True, serviced=False, gone=False)
        assert entry["seen_seconds"] < 1, entry
        assert counts(pghangd, "terminate") == {"seen": 1, "serviced": 0, "gone": 0}
    finally:
        release_fifo(fifo)
    stuck.wait()
    pghangd.wait_incident(stuck.pid, outcome="self_resolved")
    sent(pghangd, stuck.pid, "terminate", seen=True, serviced=True, gone=True)
    sent(pghangd, stuck.pid, "cancel", seen=True, gone=False)
    assert counts(pghangd, "terminate") == {"seen": 1, "serviced": 1, "gone": 1}
