"""The logger is stopped and its pipe is full: every backend that logs waits in write(), whatever it is asked."""

from support import process
from support.stopping import stopped
from zoo.hang import Target, hang
from zoo.logging import SETTINGS, fill_pipe, logger_of, noisy


@hang(
    title="log pipe full, the logger is stopped (many backends)",
    terminate_says="`t` for each, and all are still there",
    pstack_does="shows `write` below `EmitErrorReport`, not to whom",
    pghangd_says="that the logger's pipe is full, and the logger's pid and state",
    cause="blocking_call",
    explanation="log_pipe",
)
def log_pipe_full(stage):
    cluster = stage.start(SETTINGS)
    logger = logger_of(cluster)
    noisy(cluster)
    waiting = [stage.session() for _ in range(4)]
    with stopped(logger):
        fill_pipe(waiting)
        assert process.state(logger) == "T"
        yield Target(waiting[0].pid, root=logger, also=tuple(one.pid for one in waiting[1:]), says=(str(logger),))
