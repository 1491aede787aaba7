"""What does not change while a blocked process is left alone."""

from pathlib import Path


def standstill(pid):
    """Its line of /proc/PID/syscall, and its voluntary and involuntary switches."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return Path(f"/proc/{pid}/syscall").read_text(), [line for line in status if "ctxt_switches" in line]
