"""A backend in a cgroup (v2) that is frozen, as by `systemctl freeze`: /proc shows it merely asleep."""

from support import abilities
from support.stopping import frozen_v2
from zoo.hang import Target, hang


@hang(
    title="backend in a frozen cgroup (v2)",
    terminate_says="`t`, and it is still there",
    pstack_does="never returns, and leaves the backend stopped (T) after the thaw",
    pghangd_says="that its cgroup is frozen, and how to thaw it",
    cause="frozen",
    explanation="frozen",
    needs=(abilities.cgroup_v2,),
)
def frozen_cgroup_v2(stage):
    stuck = stage.session().start("SELECT pg_sleep(600)").active()
    stage.last_look(stuck.pid)
    with frozen_v2(stuck.pid):
        yield Target(stuck.pid, says=("thaw", "cgroup.freeze"))
