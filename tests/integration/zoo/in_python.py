"""A backend whose PL/Python function has changed how signals reach it, until a file says that it may undo that."""

from contextlib import contextmanager

from zoo.hang import Target
from zoo.stage import asleep, touch


@contextmanager
def undone_by_file(stage, body):
    """Runs `body` (Python; it waits for the file `release`) in a backend; that one, when it waits."""
    release = stage.path("release")
    function = stage.function("plpython3u", body, "release text")
    stuck = stage.session().start(f"SELECT {function}('{release}')")
    try:
        asleep(stuck.pid, "nanosleep")
        yield Target(stuck.pid)
    finally:
        touch(release)
