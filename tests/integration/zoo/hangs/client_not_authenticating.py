"""A client connects and says nothing: the backend waits for its startup packet, and is not in pg_stat_activity."""

import socket

from support import process
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="client that connects and says nothing",
    terminate_says="`f`, \"not a PostgreSQL server process\": it is none yet",
    pstack_does="shows `secure_read` below `PostmasterMain`",
    pghangd_says="that its client is still to authenticate, and that `authentication_timeout` ends it",
    cause="not_stuck",
    explanation="authentication",
    by="command",
)
def client_not_authenticating(stage):
    postmaster = stage.cluster.postmaster
    before = set(process.children(postmaster))
    with socket.create_connection(("127.0.0.1", int(stage.cluster.settings["PGPORT"]))):
        pid = wait_until(lambda: next(iter(set(process.children(postmaster)) - before), None), what="its backend")
        asleep(pid)
        yield Target(pid)
