"""dblink() waits for a statement of another server: a cancel is taken, and then its error handler waits for the answer."""

from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="`dblink()` waits for the answer of another server",
    terminate_says="`t`, and it ends: only `pg_cancel_backend` says `t` in vain",
    pstack_does="shows `epoll_wait` below `WaitLatchOrSocket`, not whom it waits for",
    pghangd_says="that the statement took the cancel and goes on, and that a terminate helps",
    cause="handler_replaced",
    explanation="cancel_vanished",
    action="cancel",
    survives=True,
)
def dblink_query(stage):
    stage.cluster.sql("GRANT EXECUTE ON FUNCTION dblink_connect_u(text) TO app")
    port = stage.cluster.settings["PGPORT"]
    stuck = stage.session()
    stuck.execute(f"SELECT dblink_connect_u('host=127.0.0.1 port={port} dbname=postgres user=app application_name=remote')")
    stuck.start("SELECT * FROM dblink('SELECT 1 FROM pg_sleep(600)') AS answer (one int)")
    remote = "SELECT pid FROM pg_stat_activity WHERE application_name = 'remote' AND state = 'active'"
    pid = wait_until(lambda: stage.cluster.sql(remote), what="the remote statement")[0][0]
    try:
        asleep(stuck.pid, "epoll")
        yield Target(stuck.pid)
    finally:
        stage.cluster.sql(f"SELECT pg_terminate_backend({pid})")
