"""The daemon dies and the next one goes on, over one state directory."""

import re
import signal
import tempfile
from pathlib import Path

from .waiting import wait_until


def state_directory():
    """One that the daemon's user can write to, as systemd makes it."""
    folder = Path(tempfile.mkdtemp(prefix="pghangd-state-", dir="/tmp"))
    folder.chmod(0o777)
    return folder


def kill(daemon):
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()


def start_again(daemon, ready=True):
    """Beside what Daemon.start() does, tells the new daemon's log from the old one's."""
    listening = re.compile(r"event=listening url=(\S+)")
    before = len(listening.findall(daemon.log()))
    daemon.launch()

    def new_url():
        assert daemon.process.poll() is None, daemon.log()
        found = listening.findall(daemon.log())
        return found[-1] if len(found) > before else None

    daemon.url = wait_until(new_url, what="listening again").rstrip("/")
    return daemon.wait_ready() if ready else daemon


def restart(daemon):
    kill(daemon)
    return start_again(daemon)
