"""A commit waits for a synchronous standby that is not there. It obeys, but its commit is then on this server only."""

from support.waiting import wait_until
from zoo.hang import Target, hang


@hang(
    title="commit that waits for a synchronous standby",
    terminate_says="`t`, and it ends; its transaction is committed here and on no standby",
    pstack_does="shows `SyncRepWaitForLSN`, not for which standby",
    pghangd_says="what a cancel or terminate would cost: a commit that no standby has. Sends neither",
    cause="not_stuck",
    explanation="sync_rep",
    action="observe",
)
def sync_rep(stage):
    cluster = stage.cluster
    standbys(cluster, "SET synchronous_standby_names = 'nobody'")
    try:
        stuck = stage.session().start("INSERT INTO t VALUES ('committed')")
        waits = f"SELECT 1 FROM pg_stat_activity WHERE pid = {stuck.pid} AND wait_event = 'SyncRep'"
        wait_until(lambda: cluster.sql(waits), what="the commit waits")
        yield Target(stuck.pid)
    finally:
        standbys(cluster, "RESET synchronous_standby_names")


def standbys(cluster, change):
    cluster.sql(f"ALTER SYSTEM {change}")
    cluster.sql("SELECT pg_reload_conf()")
