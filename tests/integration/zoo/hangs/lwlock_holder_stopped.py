"""A backend was stopped while it held the LWLock of an index page; others wait for that page, with interrupts held.

The index compares with a PL/Python function, which PostgreSQL calls with the page locked: so the moment can be found."""

from support.stopping import stopped
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import asleep, touch

COMPARE = """
import os, time
if 13 in (a, b):
    open(inside, 'w').close()
    while not os.path.exists(release):
        time.sleep(0.2)
return (a > b) - (a < b)
"""


@hang(
    title="LWLock of an index page, its holder is stopped",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `LWLockAcquire`, and no holder: PostgreSQL does not publish it",
    pghangd_says="that interrupts are held, and whom it suspects: the stopped backend",
    cause="lwlock_wait",
    explanation="lwlock",
)
def lwlock_holder_stopped(stage):
    cluster, inside, release = stage.cluster, stage.path("inside"), stage.path("release")
    compare = stage.function("plpython3u", COMPARE.replace("inside", repr(str(inside))).replace("release", repr(str(release))), "a int, b int", "int IMMUTABLE")
    name = compare.replace("zoo", "lwlock")
    cluster.sql(
        f"CREATE OPERATOR CLASS {name} FOR TYPE int USING btree AS"
        f" OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 {compare}(int, int);"
        f"CREATE TABLE public.{name} (n int); CREATE INDEX ON public.{name} (n {name}); GRANT ALL ON public.{name} TO app;"
        f"INSERT INTO public.{name} VALUES (1), (2)"
    )
    holder = stage.bystander().start(f"INSERT INTO {name} VALUES (13)")
    wait_until(inside.exists, what="the holder is inside the comparison")
    try:
        with stopped(holder.pid):
            waiter = stage.session().start(f"INSERT INTO {name} VALUES (3)")
            asleep(waiter.pid, "futex")
            yield Target(waiter.pid, root=holder.pid, says=(str(holder.pid),))
    finally:
        touch(release)
