"""A server with many connections, and what one tool costs it: by the server's own account, and in bytes on the wire."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions
from support.cluster import Cluster
from support.relay import Relay

IN_TRANSACTION = 30
ACTIVE = 20


@dataclass(frozen=True)
class Cost:
    """Of one refresh of one tool."""

    tool: str
    statements: float
    server: float  # microseconds of planning and execution, by the wall clock
    least: float  # the same by the fastest call of each statement: without those that waited for a core
    rows: float
    received: float  # bytes from the server
    sent: float
    n: int  # refreshes that it is the mean of
    cpu: float | None  # microseconds of its backends, parsing included; None where they changed


@contextmanager
def crowd(connections, room=0):
    """A cluster with pg_stat_statements and so many sessions: some active, some idle in transaction, the rest idle. And room for
    more."""
    cluster = Cluster([
        f"max_connections = {connections + room + 60}", "listen_addresses = '127.0.0.1'",
        "shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.track_planning = on",
    ]).start()
    sessions = []
    try:
        cluster.sql("CREATE EXTENSION pg_stat_statements; CREATE ROLE exporter LOGIN IN ROLE pg_monitor; CREATE ROLE onlooker LOGIN IN ROLE pg_monitor; CREATE ROLE viewer LOGIN IN ROLE pg_monitor")
        for number in range(connections):
            sessions.append(connect(cluster.dsn("app", application_name="crowd")))
            if number < ACTIVE:
                sessions[-1].cursor().execute("SELECT pg_sleep(3600)")
            elif number < ACTIVE + IN_TRANSACTION:
                sessions[-1].cursor().execute("BEGIN")
        yield cluster
    finally:
        # Async sessions are closed without waiting for their statements.
        for session in sessions:
            session.close()
        cluster.stop()


def connect(dsn):
    """psycopg2 as it does not wait for statements."""
    session = psycopg2.connect(dsn, async_=1)
    while session.poll() != psycopg2.extensions.POLL_OK:
        time.sleep(0.0005)
    return session


class Account:
    """What a role's statements cost between start() and cost(), and what passed the relay meanwhile."""

    def __init__(self, cluster, role, relay):
        self.cluster = cluster
        self.role = role
        self.relay = relay

    def start(self):
        self.cluster.sql("SELECT pg_stat_statements_reset()")
        self.bytes = self.relay.sent, self.relay.received
        self.cpu = self.backends()
        return self

    def backends(self):
        """Nanoseconds of CPU by pid."""
        pids = self.cluster.sql(f"SELECT pid FROM pg_stat_activity WHERE usename = '{self.role}'")
        return {pid: int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in pids}

    def statements(self):
        """[(calls, microseconds, microseconds at the fastest, rows, text)], the dearest first."""
        return self.cluster.sql(
            "SELECT calls, 1000 * (total_plan_time + total_exec_time), 1000 * calls * (min_plan_time + min_exec_time), rows, query"
            f" FROM pg_stat_statements WHERE userid = '{self.role}'::regrole ORDER BY 2 DESC"
        )

    def cost(self, tool, refreshes):
        """`refreshes`: how many there were, or a function of the statements that tells."""
        statements = self.statements()
        sent, received = self.relay.sent - self.bytes[0], self.relay.received - self.bytes[1]
        backends = self.backends()
        n = refreshes(statements) if callable(refreshes) else refreshes
        calls, server, least, rows = (sum(float(one[column]) for one in statements) for column in range(4))
        cpu = (sum(backends.values()) - sum(self.cpu.values())) / 1000 / n if backends.keys() == self.cpu.keys() else None
        return Cost(tool, calls / n, server / n, least / n, rows / n, received / n, sent / n, int(n), cpu)


def relay_to(cluster):
    return Relay(cluster.settings["PGPORT"])
