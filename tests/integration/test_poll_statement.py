"""The poll's statement reads pg_stat_get_activity() itself, and must say what the view pg_stat_activity says."""

import pytest
from support.cluster import Cluster
from support.poll_statement import agrees, backends_of_many_kinds
from support.waiting import wait_until

# A worker that vacuums one page a second.
SLOW_AUTOVACUUM = [
    "autovacuum_naptime = 1s", "autovacuum_vacuum_threshold = 1", "autovacuum_vacuum_scale_factor = 0", "autovacuum_vacuum_cost_delay = 100ms",
    "autovacuum_vacuum_cost_limit = 1", "max_prepared_transactions = 4", "listen_addresses = '127.0.0.1'",
]
MAJOR = 15


@pytest.fixture(scope="module")
def busy():
    cluster = Cluster(SLOW_AUTOVACUUM).start()
    try:
        cluster.sql("CREATE TABLE public.dead AS SELECT n, repeat('x', 500) FROM generate_series(1, 20000) n")
        cluster.sql("DELETE FROM public.dead")
        with backends_of_many_kinds(cluster, MAJOR) as kinds:
            wait_until(lambda: cluster.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"), what="autovacuum")
            yield cluster, kinds | {("autovacuum worker", "active")}
    finally:
        cluster.stop()


def test_every_row_and_column_is_the_views(busy):
    cluster, kinds = busy
    rows = agrees(cluster, "pghangd", idle=True, auxiliary=True)
    assert kinds <= {(row[2], row[7]) for row in rows.values()}
    gone = [row for row in rows.values() if row[5] == "its-role-is-gone"]
    assert [(row[4], row[15]) for row in gone] == [(None, None)], gone


@pytest.mark.parametrize("idle, auxiliary", [(False, False), (True, False), (False, True)])
def test_rows_that_nobody_asks_for_are_only_counted(busy, idle, auxiliary):
    cluster, _ = busy
    states = {row[7] for row in agrees(cluster, "pghangd", idle, auxiliary).values()}
    assert ("idle" in states, None in states) == (idle, auxiliary)


def test_a_role_without_pg_monitor_sees_what_the_view_shows_it(busy):
    cluster, _ = busy
    rows = agrees(cluster, "app", idle=True, auxiliary=True)
    assert b"<insufficient privilege>" in {row[14] for row in rows.values()}
