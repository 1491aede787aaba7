"""dblink_connect() to a server that accepts and never answers: PostgreSQL 15 connects without looking at interrupts."""

import os
import socket

from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="`dblink_connect()` to a server that never answers",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `poll` below `PQconnectdb`, not whom it waits for",
    pghangd_says="the remote address and, if it is local, its process",
    cause="blocking_call",
    explanation="remote_connecting",
)
def dblink_connect(stage):
    stage.cluster.sql("GRANT EXECUTE ON FUNCTION dblink_connect_u(text) TO app")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stuck = stage.session().start(f"SELECT dblink_connect_u('host=127.0.0.1 port={port} dbname=postgres user=app')")
        peer, _ = server.accept()
        with peer:
            asleep(stuck.pid, "poll")
            yield Target(stuck.pid, root=os.getpid(), says=(f"127.0.0.1:{port}",))
