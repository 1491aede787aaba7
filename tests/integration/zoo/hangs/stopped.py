"""A backend that somebody stopped with SIGSTOP: no other signal is delivered."""

from support.stopping import stopped as stop
from zoo.hang import Target, hang


@hang(
    title="backend stopped by SIGSTOP",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `epoll_wait` below `pg_sleep`, as if it just slept",
    pghangd_says="`kill -CONT PID`: it then serves the pending terminate",
    cause="stopped",
    explanation="stopped",
    state="T",
)
def stopped(stage):
    stuck = stage.session().start("SELECT pg_sleep(600)").active()
    with stop(stuck.pid):
        yield Target(stuck.pid, says=(f"kill -CONT {stuck.pid}",))
