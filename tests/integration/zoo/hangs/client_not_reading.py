"""A client that sends a query and never reads: PostgreSQL serves a terminate there, but no cancel."""

import os
import select

import psycopg2
import psycopg2.extensions as ext

from zoo.hang import Target, hang
from zoo.stage import asleep


def connect(dsn):
    """Without blocking, so that the answer need not be read."""
    client = psycopg2.connect(dsn, async_=1)
    while (state := client.poll()) != ext.POLL_OK:
        select.select([client] if state == ext.POLL_READ else [], [client] if state == ext.POLL_WRITE else [], [], 5)
    return client


@hang(
    title="client that does not read its result",
    terminate_says="`t`, and it ends: only `pg_cancel_backend` says `t` in vain",
    pstack_does="shows `secure_write`",
    pghangd_says="that a cancel cannot work here and a terminate can, and which process the client is",
    cause="client_write",
    explanation="client_ignores_cancel",
    action="cancel",
)
def client_not_reading(stage):
    client = connect(stage.cluster.dsn("app", application_name=stage.application))
    pid = client.get_backend_pid()
    client.cursor().execute("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
    try:
        asleep(pid)
        yield Target(pid, root=os.getpid())
    finally:
        client.close()
