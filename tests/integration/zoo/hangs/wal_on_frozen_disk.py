"""The WAL's file system is frozen: one backend waits in D state with WALWriteLock held, the other commits behind it."""

from support import abilities, process
from support.disk import Disk
from support.waiting import wait_until
from zoo.hang import Target, hang


@hang(
    title="commit queue (`WALWrite`), the WAL's disk is frozen",
    terminate_says="`t` for each, and all are still there",
    pstack_does="of the waiter shows `LWLockAcquireOrWait`; of the one in D state never returns",
    pghangd_says="who writes the WAL, in D state on which mount, and who waits behind",
    cause="critical_section",
    explanation="wal_convoy",
    needs=(abilities.loop_device,),
)
def wal_on_frozen_disk(stage):
    disk = Disk(256)
    stage.later(disk.remove)
    cluster = stage.start(["fsync = on", "autovacuum = off", "wal_writer_delay = 10s"], waldir=disk.folder("pg_wal"))
    first, second = stage.bystander(), stage.session()
    with disk.frozen():
        first.start("INSERT INTO t VALUES ('first')")
        wait_until(lambda: process.state(first.pid) == "D", what="the first commit waits for the disk")
        second.start("INSERT INTO t VALUES ('second')")
        wait_until(lambda: "futex" in process.wchan(second.pid), what="the second commit waits for the first")
        yield Target(second.pid, root=f"mount:{disk.mount}", says=(str(first.pid),))
