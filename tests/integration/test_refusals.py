"""A signal that PostgreSQL refuses is told in PostgreSQL's own words: in the log, and in the incident."""

import pytest
from support.daemon import rule
from support.waiting import wait_until

# pg_signal_backend() of signalfuncs.c: until 15 the primary message says what is missing, from 16 on its detail does.
NOT_A_MEMBER = (
    "must be a member of the role whose query is being canceled or member of pg_signal_backend",
    'Only roles with privileges of the role whose query is being canceled or with privileges of the "pg_signal_backend" role',
)
OF_A_SUPERUSER = (
    "must be a superuser to cancel superuser query",
    'Only roles with the SUPERUSER attribute may cancel queries of roles with the SUPERUSER attribute',
)


@pytest.fixture
def watcher(cluster):
    """A role that may see everything and signal nobody."""
    cluster.sql("CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
    yield "watcher"
    cluster.sql("DROP ROLE watcher")


def assert_told(pghangd, pid, words):
    line = wait_until(lambda: pghangd.events("signal_not_accepted", pid=pid, answer="refused"), what="a refusal")[0]
    assert any(text in line.replace('\\"', '"') for text in words), line
    incident = pghangd.incident(pid)
    notes = [entry["note"] or "" for entry in incident["timeline"]]
    told = [note for note in notes if note.startswith("cancel refused: ")]
    assert len(told) == 1 and any(text in told[0] for text in words), notes
    assert incident["signals"] == []
    assert pghangd.metric("pghangd_signals_total", signal="cancel", outcome="accepted") == 0


def test_without_pg_signal_backend(cluster, watcher, session, daemon, app_name):
    stuck = session().start("SELECT pg_sleep(3)")
    pghangd = daemon([rule("stuck", app_name)], dsn=cluster.dsn(watcher))
    assert_told(pghangd, stuck.pid, NOT_A_MEMBER)
    stuck.wait()
    assert stuck.error is None
    pghangd.wait_incident(stuck.pid, outcome="refused")
    pghangd.stop()


def test_of_a_superusers_backend(session, daemon, app_name):
    stuck = session(user="postgres").start("SELECT pg_sleep(3)")
    pghangd = daemon([rule("stuck", app_name, user="postgres")])
    assert_told(pghangd, stuck.pid, OF_A_SUPERUSER)
    stuck.wait()
    assert stuck.error is None
    pghangd.wait_incident(stuck.pid, outcome="refused")
