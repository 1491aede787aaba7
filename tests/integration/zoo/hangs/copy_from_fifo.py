"""COPY FROM a FIFO: openat() waits for a writer, and is restarted after every signal."""

from support.cluster import release_fifo
from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="`COPY` from a FIFO that nobody writes to",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `open64` below `BeginCopyFrom`, not of which file",
    pghangd_says="the FIFO's path, and the command that opens its other end",
    cause="blocking_call",
    explanation="fifo_read",
)
def copy_from_fifo(stage):
    fifo = stage.fifo("import")
    stuck = stage.session().start(f"COPY t FROM '{fifo}'")
    try:
        asleep(stuck.pid, "wait_for_partner", "fifo_open")
        yield Target(stuck.pid, says=(str(fifo),))
    finally:
        release_fifo(fifo)
