"""A server whose log goes through the logger, and sessions that fill the pipe to it."""

from support import process
from support.waiting import wait_until

SETTINGS = ("logging_collector = on", "log_directory = 'logs'")


def logger_of(cluster):
    """The logger sets its name after it has started."""

    def probe():
        return next((c for c in process.children(cluster.postmaster) if b"logger" in process.cmdline(c)), None)

    return wait_until(probe, what="the logger")


def noisy(cluster):
    """New sessions of app log their statements; nobody else's are."""
    cluster.sql("ALTER ROLE app SET log_statement = 'all'")


def fill_pipe(sessions):
    """Each logs more than a pipe holds."""
    for one in sessions:
        one.start(f"SELECT length('{'x' * 100_000}')")
    for one in sessions:
        wait_until(lambda: "pipe_write" in process.wchan(one.pid), what=f"{one.pid} writes to the full pipe")
