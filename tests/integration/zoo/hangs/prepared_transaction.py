"""A prepared transaction holds a lock: nobody to terminate, for no process has it."""

from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.hangs.idle_in_transaction import blocked

GID = "zoo-order-4711"


@hang(
    title="lock queue behind a prepared transaction",
    terminate_says="`t`, and the waiter ends; nobody is there to terminate for the next one",
    pstack_does="shows `WaitOnLock`; there is no process behind it",
    pghangd_says="the prepared transaction's gid",
    cause="not_stuck",
    explanation="not_asked",
    action="observe",
)
def prepared_transaction(stage):
    preparer, waiter = stage.bystander(), stage.session()
    preparer.execute("BEGIN; LOCK TABLE t; PREPARE TRANSACTION '" + GID + "'")
    try:
        waiter.start("SELECT count(*) FROM t")
        wait_until(lambda: blocked(stage.cluster, waiter.pid), what="the waiter")
        yield Target(waiter.pid, root=f"prepared:{GID}")
    finally:
        stage.cluster.sql(f"ROLLBACK PREPARED '{GID}'")
