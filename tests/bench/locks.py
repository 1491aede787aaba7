"""What asking who waits for whom costs a server, as the daemon asks it: with many waiters, and how it backs off."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg2
from crowd import Account, connect, relay_to
from support.cluster import remove_folder
from support.daemon import Daemon, rule
from support.waiting import wait_until


@dataclass(frozen=True)
class LockCost:
    waiters: int
    asked: int  # times in `seconds`
    backed_off: int
    polls: int
    server: float  # microseconds of one look, planning and execution, all of its statements
    seconds: float


def measure(cluster, binaries, waiters, seconds):
    """A daemon with a rule that matches everybody in the queue behind one table lock."""
    with ExitStack() as undo:
        cluster.sql("CREATE TABLE public.queue (line int)")
        holder = psycopg2.connect(cluster.dsn("postgres"))
        undo.callback(holder.close)
        holder.cursor().execute("LOCK TABLE public.queue")
        for _ in range(waiters):
            session = connect(cluster.dsn("postgres", application_name="waiter"))
            undo.callback(session.close)
            session.cursor().execute("TABLE public.queue")
        wait_until(lambda: cluster.sql("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] == waiters, timeout=60, what="all wait")
        relay = undo.enter_context(relay_to(cluster))
        dsn = cluster.dsn("pghangd", host="127.0.0.1", port=relay.port)
        first = rule("bench", "waiter", action="observe", user="postgres")
        daemon = Daemon(binaries, "/tmp", dsn, [first], mode="observe", extra="polling:\n  interval: 500ms\nsampling:\n  repeat: 1h")
        undo.callback(remove_folder, daemon.folder)
        undo.callback(daemon.stop)
        daemon.start().wait_ready()
        account = Account(cluster, "pghangd", relay).start()
        numbers = lambda: [daemon.metric(*query[:1], **query[1]) or 0 for query in (
            ("pghangd_lock_statements_total", {"result": "success"}),
            ("pghangd_lock_statements_total", {"result": "backed_off"}),
            ("pghangd_polls_total", {"result": "success"}),
        )]
        before = numbers()
        time.sleep(seconds)
        asked, backed_off, polls = (int(now - then) for now, then in zip(numbers(), before))
        server = sum(float(one[1]) for one in account.statements() if "pg_locks" in one[4] or "pg_blocking_pids" in one[4])
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waiter'")
        return LockCost(waiters, asked, backed_off, polls, server / max(1, asked), seconds)
