"""The logger is stopped and its pipe is full: an idle backend takes the terminate, and hangs while it logs it."""

from support.stopping import stopped
from zoo.hang import Target, hang
from zoo.logging import SETTINGS, fill_pipe, logger_of, noisy


@hang(
    title="log pipe full, the terminate of an idle backend is to be logged",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `write` below `ProcessInterrupts`, not to whom",
    pghangd_says="that it took the terminate and hangs in logging it, and the logger's pid and state",
    cause="blocked_reporting",
    explanation="reporting_log",
    rule={"state": "idle in transaction", "query_age": None, "state_age": "300ms"},
)
def log_pipe_terminate(stage):
    cluster = stage.start(SETTINGS)
    logger = logger_of(cluster)
    idle = stage.session()
    idle.connection.autocommit = False
    idle.execute("SELECT 1")
    noisy(cluster)
    filler = stage.bystander()
    with stopped(logger):
        fill_pipe([filler])
        yield Target(idle.pid, root=logger)
