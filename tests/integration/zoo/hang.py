"""What a hang is, and the catalogue of them all.

A file in hangs/ holds one generator under `@hang(...)`: it makes the hang, yields a Target, and undoes the hang in a
`finally`. Whatever it does to a process or a file system outside PostgreSQL (stop, freeze, trace) it does through
support/, where a guard process undoes it even if this one is killed."""

import importlib
import pkgutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable

from . import hangs


@dataclass(frozen=True)
class Target:
    """A hang that has been made."""

    pid: int  # the backend that is asked to go and does not
    root: object = None  # id of the node where the wait graph must end, or just a pid; None: it waits for nobody
    also: tuple = ()  # other backends that must get the same diagnosis
    says: tuple = ()  # what summary, detail or release steps must name

    def root_id(self):
        return f"pid:{self.root}" if isinstance(self.root, int) else self.root


@dataclass(frozen=True)
class Hang:
    name: str
    title: str
    terminate_says: str  # what an operator sees of pg_terminate_backend
    pstack_does: str
    pghangd_says: str
    cause: str
    explanation: str
    make: Callable = field(repr=False)  # generator function of a Stage
    state: str = "S"  # of /proc/PID/stat while it hangs; left so by the diagnosis
    action: str = "terminate"  # of the rule; `observe` where nothing need be signalled
    rule: dict = field(default_factory=dict)  # more criteria of the rule
    by: str = "daemon"  # who diagnoses it; `command` is pghangd diagnose, for what no connection shows
    needs: tuple = ()  # of support.abilities: without one the hang cannot be made here
    survives: bool = False  # the backend goes on once the hang is undone, instead of ending

    @contextmanager
    def made(self, stage):
        yield from self.make(stage)


def hang(**words):
    """Makes a Hang of a generator function; the file names it."""

    def register(make):
        return Hang(name=make.__module__.rsplit(".", 1)[-1], make=make, **words)

    return register


def catalogue():
    """All hangs, in the order of their files' names."""
    modules = (importlib.import_module(f"{hangs.__name__}.{m.name}") for m in pkgutil.iter_modules(hangs.__path__))
    return [one for module in modules for one in vars(module).values() if isinstance(one, Hang)]
