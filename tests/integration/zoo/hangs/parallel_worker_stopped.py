"""A parallel query whose worker is stopped: the cancelled leader waits for the worker to exit, with interrupts held."""

from support.stopping import stopped
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.parallel import QUERY, SETTINGS, parallel_table, worker_of


@hang(
    title="parallel leader, one of its workers is stopped",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `WaitForBackgroundWorkerShutdown`, not which worker",
    pghangd_says="which worker, and that it is stopped",
    cause="interrupts_held",
    explanation="held_workers",
)
def parallel_worker_stopped(stage):
    parallel_table(stage.cluster)
    leader = stage.session()
    leader.execute(SETTINGS)
    leader.start(QUERY)
    worker = wait_until(lambda: worker_of(stage.cluster, leader.pid), what="a parallel worker")
    with stopped(worker):
        yield Target(leader.pid, root=worker, says=(str(worker),))
