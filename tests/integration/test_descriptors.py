"""What an idle backend waits for, on a real server: its latch, its postmaster's death and its client, each by process."""

import json
import os
import subprocess

import pytest
from support import process
from support.waiting import wait_until


def diagnosed(binaries, pid):
    answer = subprocess.run(
        [binaries / "pghangd", "diagnose", "--json", str(pid)], capture_output=True, text=True, timeout=30, cwd="/",
        stdin=subprocess.DEVNULL,
    )
    return json.loads(answer.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look at the server's descriptors")
@pytest.mark.parametrize("host", ["unix", "127.0.0.1"])
def test_an_idle_backend_names_its_client(binaries, cluster, session, host):
    one = session(**({} if host == "unix" else {"host": host}))
    wait_until(lambda: process.state(one.pid) == "S", what="the backend sleeps")
    report = diagnosed(binaries, one.pid)
    assert report["syscall"]["at_least_source"] == "samples"
    members = {member["kind"]: member for member in report["syscall"]["fd"]["members"]}

    assert members["signalfd"]["detail"] == "SIGURG", members
    assert [peer["pid"] for peer in members["pipe"]["peers"]] == [cluster.postmaster]
    client = members["socket"]
    assert [peer["pid"] for peer in client["peers"]] == [os.getpid()]
    assert client["queues"] == {"receive": 0, "send": 0}
    if host == "unix":
        assert client["protocol"] == "unix"
        assert client["local"].endswith(f".s.PGSQL.{cluster.settings['PGPORT']}")
    else:
        assert client["protocol"] == "tcp"
        assert client["local"] == f"127.0.0.1:{cluster.settings['PGPORT']}"
        assert client["socket_state"] == "ESTABLISHED"
