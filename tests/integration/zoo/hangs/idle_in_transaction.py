"""A session idle in transaction holds a lock; a queue forms behind it."""

from support.waiting import wait_until
from zoo.hang import Target, hang


@hang(
    title="lock queue behind a session idle in transaction",
    terminate_says="`t`, and the waiter ends; the next one waits again",
    pstack_does="shows `WaitOnLock`, not for whom",
    pghangd_says="the whole queue, and the idle session at its end",
    cause="not_stuck",
    explanation="not_asked",
    action="observe",
)
def idle_in_transaction(stage):
    holder, queue, waiter = stage.bystander(), stage.bystander(), stage.session()
    holder.connection.autocommit = False
    holder.execute("SELECT count(*) FROM t")
    queue.start("BEGIN; LOCK TABLE t")
    wait_until(lambda: blocked(stage.cluster, queue.pid), what="the first waiter")
    waiter.start("SELECT count(*) FROM t")
    wait_until(lambda: blocked(stage.cluster, waiter.pid), what="the second waiter")
    try:
        yield Target(waiter.pid, root=holder.pid)
    finally:
        holder.connection.rollback()


def blocked(cluster, pid):
    return cluster.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'")
