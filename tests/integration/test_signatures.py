"""A known cause, found on a real backend, and found again in what was saved of it."""

import json
import os
import subprocess

import pytest
from support import process
from support.waiting import wait_until


@pytest.fixture
def pghangd(binaries):
    def run(*arguments):
        return subprocess.run([binaries / "pghangd", *map(str, arguments)], capture_output=True, text=True, timeout=30, cwd="/")

    return run


@pytest.fixture
def deaf(session):
    """A backend that was terminated while PL/Python sleeps."""
    one = session()
    one.start("SELECT py_sleep(15)")
    wait_until(lambda: process.state(one.pid) == "S" and open(f"/proc/{one.pid}/syscall").read().split()[0] == "230")
    os.kill(one.pid, 15)
    yield one
    wait_until(lambda: not os.path.exists(f"/proc/{one.pid}"), 30)


def exported_by(module):
    out = subprocess.run(["nm", "-D", "--defined-only", module], capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def test_a_known_cause_is_found_live_and_in_what_was_saved(pghangd, deaf, tmp_path):
    bundle = tmp_path / "hang.pghang"
    answer = pghangd("diagnose", deaf.pid, "--json", "--save", bundle)
    diagnosis = json.loads(answer.stdout)
    signature = diagnosis["verdict"]["signature"]
    assert signature["id"] == "plpython-code", diagnosis["verdict"]
    assert signature["affected"] is False and signature["fixed_in"] is None
    saved = tmp_path / "hang.json"
    saved.write_text(answer.stdout)
    for file in (saved, bundle):
        checked = pghangd("check-signatures", file)
        assert checked.returncode == 0, checked.stderr
        assert checked.stdout.startswith(f"{file}: 1 signature\n  plpython-code (certain): "), checked.stdout
    frames = diagnosis["stack"]["frames"]
    named = [frame for frame in frames if frame["exported"]]
    assert len(named) >= 5
    for frame in named:
        assert frame["function"] in exported_by(frame["module"]), frame
