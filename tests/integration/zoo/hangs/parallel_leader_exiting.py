"""A parallel leader that was terminated at once: it exits, and its exit waits for a stopped worker."""

from support.stopping import stopped
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import asleep
from zoo.parallel import QUERY, SETTINGS, parallel_table, worker_of


@hang(
    title="parallel leader inside its exit, one of its workers is stopped",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `proc_exit` and `WaitForBackgroundWorkerShutdown`, not which worker",
    pghangd_says="that it is already exiting, and which worker keeps it",
    cause="exiting",
    explanation="held_workers",
)
def parallel_leader_exiting(stage):
    parallel_table(stage.cluster)
    leader = stage.session()
    leader.execute(SETTINGS)
    leader.start(QUERY)
    worker = wait_until(lambda: worker_of(stage.cluster, leader.pid), what="a parallel worker")
    with stopped(worker):
        stage.cluster.sql(f"SELECT pg_terminate_backend({leader.pid})")
        asleep(leader.pid)
        yield Target(leader.pid, root=worker, says=(str(worker),))
