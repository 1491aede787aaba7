"""A backend in a cgroup (v1) that is frozen, as by `docker pause`: /proc shows it in D state."""

from support import abilities
from support.stopping import frozen_v1
from zoo.hang import Target, hang


@hang(
    title="backend in a frozen cgroup (v1)",
    terminate_says="`t`, and it is still there; SIGKILL would not end it either",
    pstack_does="never returns, and leaves the backend stopped (T) after the thaw",
    pghangd_says="that its cgroup is frozen, and how to thaw it",
    cause="frozen",
    explanation="frozen",
    state="D",
    needs=(abilities.cgroup_v1_freezer,),
)
def frozen_cgroup_v1(stage):
    stuck = stage.session().start("SELECT pg_sleep(600)").active()
    stage.last_look(stuck.pid)
    with frozen_v1(stuck.pid):
        yield Target(stuck.pid, says=("thaw",))
