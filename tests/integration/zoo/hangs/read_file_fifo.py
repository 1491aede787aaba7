"""pg_read_file() of a FIFO: the same wait as COPY's, from inside an expression."""

from support.cluster import release_fifo
from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="`pg_read_file()` of a FIFO",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `open64` below `pg_read_file`, not of which file",
    pghangd_says="the FIFO's path, and the command that opens its other end",
    cause="blocking_call",
    explanation="fifo_read",
)
def read_file_fifo(stage):
    fifo = stage.fifo("read")
    stage.cluster.sql("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO app")
    stuck = stage.session().start(f"SELECT pg_read_file('{fifo}')")
    try:
        asleep(stuck.pid, "wait_for_partner", "fifo_open")
        yield Target(stuck.pid, says=(str(fifo),))
    finally:
        release_fifo(fifo)
