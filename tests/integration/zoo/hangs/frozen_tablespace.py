"""INSERT into a tablespace whose file system was frozen, as a snapshot does: the write waits in the kernel, in D state."""

from support import abilities
from support.disk import Disk
from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="`INSERT` on a file system frozen by `fsfreeze` (D state)",
    terminate_says="`t`, and it is still there; SIGKILL would not end it either",
    pstack_does="never returns, and leaves the backend stopped (T) once the disk is back",
    pghangd_says="the mount, its device, and `fsfreeze -u`; a full stack, without touching it",
    cause="uninterruptible_io",
    explanation="io_frozen_file_system",
    state="D",
    needs=(abilities.loop_device,),
)
def frozen_tablespace(stage):
    disk = Disk()
    stage.later(disk.remove)
    cluster = stage.cluster
    space = f"space_{disk.home.name[-6:]}"
    cluster.sql(f"CREATE TABLESPACE \"{space}\" LOCATION '{disk.folder('space')}'")
    stage.later(lambda: drop(cluster, space))
    for table in (space, f"{space}_rehearsal"):
        cluster.sql(f'CREATE TABLE public."{table}" (line text) TABLESPACE "{space}"; GRANT ALL ON public."{table}" TO app')
    stuck = stage.session()
    stage.rehearse(stuck, insert(f"{space}_rehearsal"), "openat", 12)
    with disk.frozen():
        stuck.start(insert(space))
        asleep(stuck.pid, "percpu_rwsem", "sb_start_write")
        yield Target(stuck.pid, root=f"mount:{disk.mount}", says=(str(disk.mount), "fsfreeze -u"))


def insert(table):
    return f"INSERT INTO \"{table}\" SELECT 'line' FROM generate_series(1, 100000)"


def drop(cluster, space):
    cluster.sql(f'DROP TABLE IF EXISTS public."{space}", public."{space}_rehearsal"')
    cluster.sql("CHECKPOINT")  # removes the files, without which the tablespace counts as not empty
    cluster.sql(f'DROP TABLESPACE "{space}"')
