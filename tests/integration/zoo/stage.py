"""Where hangs are made: clusters, sessions and files, all gone again when the stage is."""

import os
import uuid
from contextlib import ExitStack

from support import process
from support.cluster import Cluster, Session
from support.waiting import wait_until

APPLICATION = "zoo"
SETTINGS = ("max_prepared_transactions = 4",)

SETUP = """
CREATE EXTENSION IF NOT EXISTS plperlu;
CREATE EXTENSION IF NOT EXISTS dblink;
"""


class Stage:
    """One cluster for the hangs that can share it, made when one asks for it. `application` names the sessions that
    the rule matches."""

    def __init__(self, shared=None, application=APPLICATION):
        self.application = application
        self.shared = shared
        self.witness = None  # a debugger, where the stacks are to be compared
        self.current = None
        self.sessions = []
        self.leftovers = ExitStack()

    @property
    def cluster(self):
        """Where sessions go: the cluster that start() made last, else the shared one."""
        if self.current is None:
            self.current = self.shared or self.start()
            self.current.sql(SETUP)
        return self.current

    def start(self, settings=(), **more):
        """A cluster of its own for a hang that needs other settings, or would take the others down with it."""
        self.current = Cluster(settings or SETTINGS, **more).start()
        self.later(self.current.stop)
        self.current.sql(SETUP)
        return self.current

    def later(self, clean_up):
        """For what must outlive the hang: runs when the stage closes, last one first."""
        self.leftovers.callback(clean_up)

    def session(self, **more):
        more.setdefault("application_name", self.application)
        self.sessions.append(Session(self.cluster, **more))
        return self.sessions[-1]

    def bystander(self, **more):
        """A session that no rule matches."""
        return self.session(application_name="bystander", **more)

    def path(self, name):
        """A path that does not exist yet, where the server's user may write."""
        return self.cluster.folder / f"{name}-{uuid.uuid4().hex[:8]}"

    def fifo(self, name):
        return self.cluster.fifo(self.path(name).name)

    def function(self, language, body, arguments="", returns="void"):
        """A function of the superuser that app may call: untrusted languages need that. Returns its name."""
        name = f"zoo_{uuid.uuid4().hex[:8]}"
        self.cluster.sql(
            f"CREATE FUNCTION public.{name}({arguments}) RETURNS {returns} LANGUAGE {language} SECURITY DEFINER AS $body$\n{body}\n$body$"
        )
        return name

    def last_look(self, pid):
        """A hang calls this before it puts a backend out of a debugger's reach."""
        if self.witness:
            self.witness.look(pid)

    def rehearse(self, session, sql, syscall, calls):
        """And this where there is nothing to see before: the statement runs without a hang, as far as the witness wants."""
        if self.witness:
            self.witness.rehearse(session, sql, syscall, calls)

    def close(self):
        for one in self.sessions:
            one.close()
        self.sessions.clear()
        self.current = None
        self.leftovers.close()


def asleep(pid, *wchans):
    """Waits until a process sleeps, in one of these kernel functions if any are given."""

    def probe():
        wchan = process.wchan(pid)
        return process.state(pid) in ("S", "D") and (not wchans or any(name in wchan for name in wchans)) and wchan

    return wait_until(probe, what=f"{pid} asleep in {wchans or 'the kernel'}, last in {process.wchan(pid)}")


def touch(path):
    """Tells a function that looks for this file to return."""
    path.touch()
    os.chmod(path, 0o666)
