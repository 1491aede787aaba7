"""A backend that a forgotten debugger holds."""

from support.stopping import traced as trace
from zoo.hang import Target, hang


@hang(
    title="backend held by a debugger",
    terminate_says="`t`, and it is still there",
    pstack_does="fails: `Operation not permitted`",
    pghangd_says="who traces it, by pid and name",
    cause="traced",
    explanation="traced",
    state="t",
)
def traced(stage):
    stuck = stage.session().start("SELECT pg_sleep(600)").active()
    stage.last_look(stuck.pid)
    with trace(stuck.pid) as tracer:
        yield Target(stuck.pid, says=(str(tracer), "python"))
