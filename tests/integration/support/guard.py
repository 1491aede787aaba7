"""Undoes what must not outlive us: a shell command that runs when the guard is told to, when we die, or after a while."""

import subprocess

_WAIT = 'IFS= read -r -t "$1" _; shift; eval "$1"'


class Guard:
    """Runs `undo` once, at the latest `seconds` from now. Our death closes the pipe that it reads."""

    def __init__(self, undo, seconds=60):
        self.process = subprocess.Popen(
            ["bash", "-c", _WAIT, "guard", str(seconds), undo],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )

    def undo(self):
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        self.process.wait(30)
