"""A server in its own pid, mount and network namespace, pghangd on the host: which process is which."""

import ipaddress
import json
import os
import shutil
import signal
import subprocess

import pytest
from support import container, process
from support.cluster import Cluster, Session
from support.daemon import UNIT_CAPABILITIES, as_user, rule, stages
from support.waiting import wait_until

refusal = container.possible()
pytestmark = pytest.mark.skipif(refusal is not None, reason=str(refusal))

FIFO = "/mnt/fifo"


@pytest.fixture(scope="module")
def box():
    one = container.Container().start()
    one.run("mkfifo", "-m", "666", FIFO)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def server(box):
    one = Cluster(["listen_addresses = '*'"], prefix=box.inside()).start()
    yield one
    one.stop()


@pytest.fixture
def decoy(tmp_path):
    """Starts processes of the host that look like backends by name."""
    program = tmp_path / "postgres"
    shutil.copy(shutil.which("sleep"), program)
    started = []

    def start():
        started.append(subprocess.Popen([program, "1000"]))
        return started[-1].pid

    yield start
    for one in started:
        one.kill()
        one.wait()


@pytest.fixture
def stuck(box, server, decoy, app_name):
    """A backend that waits for the FIFO that only the container has. On the host its number is that of another process,
    as old and of the same name. Yields the session and its pid on the host."""
    if reason := box.cannot_choose_pids():
        pytest.skip(reason)
    for _ in range(20):
        number = decoy()
        box.next_pid(number)
        session = Session(server, app_name)
        if session.pid == number:
            break
        session.close()
    assert session.pid == number, "something else started in the container each time"
    session.start(f"COPY t FROM '{FIFO}'")
    pid = box.host_pid(session.pid)
    wait_until(lambda: process.wchan(pid) == "wait_for_partner", what="the backend waits for the FIFO")
    assert pid != session.pid and process.comm(session.pid) == "postgres"
    yield session, pid
    assert process.state(number) == "S" and process.tracer(number) == 0
    box.run("timeout", "5", "bash", "-c", f": <> {FIFO}")
    session.wait()
    session.close()


def pghangd(binaries, *arguments, prefix=()):
    command = [*prefix, *as_user(UNIT_CAPABILITIES), binaries / "pghangd", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL)


def functions(diagnosis):
    return [frame["function"] for frame in diagnosis["stack"]["frames"] if frame["function"]]


def wait_explained(daemon, pid):
    """The incident with a whole capture: the first one of a busy machine may have had no time for memory."""

    def probe():
        incident = daemon.incident(pid)
        return incident if incident and incident["diagnosis"] and incident["diagnosis"]["stack"]["complete"] else None

    return wait_until(probe, what=f"a whole capture of {pid}")


def assert_is_the_copy(diagnosis, host, inside):
    assert diagnosis["pid"] == host
    assert diagnosis["process"]["ns_pid"] == inside
    assert diagnosis["syscall"]["text"].startswith(f'openat(AT_FDCWD, "{FIFO}", O_RDONLY')
    assert diagnosis["syscall"]["fd"]["target"] == FIFO
    assert diagnosis["syscall"]["fd"]["mount"] == "/mnt"
    assert diagnosis["syscall"]["fd"]["fs_type"] == "tmpfs"
    assert diagnosis["stack"]["complete"], diagnosis["stack"]
    names = functions(diagnosis)
    for name in ("AllocateFile", "BeginCopyFrom", "DoCopy", "PostgresMain", "main", "_start"):
        assert name in names, names


def test_diagnose_on_the_host_sees_into_the_container(stuck, binaries):
    session, host = stuck
    answer = pghangd(binaries, "diagnose", "--json", host)
    assert answer.returncode == 1, answer.stderr  # the kernel stack needs CAP_SYS_ADMIN
    diagnosis = json.loads(answer.stdout)
    assert [entry["evidence"] for entry in diagnosis["missing"]] == ["kernel_stack"], diagnosis["missing"]
    assert_is_the_copy(diagnosis, host, session.pid)
    assert diagnosis["interrupts"]["proc_die_pending"] == 0
    assert diagnosis["server"]["version"]
    report = pghangd(binaries, "diagnose", host).stdout
    assert f"pid {session.pid} there and in SQL, {host} on this host" in report
    assert f"/proc/{host}/root" in report


def test_the_daemon_on_the_host_captures_the_right_process(stuck, server, daemon, app_name, binaries):
    session, host = stuck
    pghangd = daemon([rule("stuck", app_name)], dsn=server.dsn("pghangd"))
    incident = pghangd.wait_incident(session.pid, stage="unresponsive", diagnosed=True)
    incident = wait_until(
        lambda: (i := pghangd.incident(session.pid))["diagnosis"]["interrupts"]["proc_die_pending"] == 1 and i
    )
    assert stages(incident) == ["matched", "cancel_sent", "terminate_sent", "unresponsive"]
    assert incident["pid"] == session.pid
    assert_is_the_copy(incident["diagnosis"], host, session.pid)
    assert incident["diagnosis"]["server"]["postmaster_pid"] == process.parent(host)
    verdict = incident["diagnosis"]["verdict"]
    assert verdict["cause"] == "blocking_call"
    assert f"/proc/{host}/root{FIFO}" in verdict["release"][0]["step"]
    wait_until(lambda: pghangd.events("diagnosed", pid=session.pid, host_pid=host))
    # What it advises is for a shell of the host.
    subprocess.run(["bash", "-c", verdict["release"][0]["step"]], check=True, timeout=10)
    pghangd.wait_incident(session.pid, outcome="self_resolved")


def test_a_stopped_backend_is_woken_by_its_pid_on_the_host(box, server, daemon, app_name):
    session = Session(server, app_name).start("SELECT pg_sleep(30)").active()
    host = box.host_pid(session.pid)
    os.kill(host, signal.SIGSTOP)
    try:
        pghangd = daemon([rule("stuck", app_name)], dsn=server.dsn("pghangd"))
        incident = pghangd.wait_incident(session.pid, stage="unresponsive", diagnosed=True)
        step = incident["diagnosis"]["verdict"]["release"][0]["step"]
        assert step == f"kill -CONT {host} # on the host; pid {session.pid} to the server"
        subprocess.run(["bash", "-c", step], check=True)
        pghangd.wait_incident(session.pid, outcome="self_resolved")
    finally:
        process.cont(host)
    session.wait()


def test_waits_join_sessions_and_processes_of_the_container(box, server, daemon, app_name):
    holder = Session(server, app_name + "-holder")
    holder.connection.autocommit = False
    holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    holder.start("SELECT pg_sleep(60)").active()
    waiter = Session(server, app_name).start("SELECT count(*) FROM t")
    host = box.host_pid(holder.pid)
    os.kill(host, signal.SIGSTOP)
    try:
        rules = [rule("stuck", app_name), rule("holder", app_name + "-holder")]
        pghangd = daemon(rules, dsn=server.dsn("pghangd"), mode="observe")

        def seen():
            graph = (pghangd.incident(waiter.pid) or {}).get("diagnosis") or {}
            nodes = {node["id"]: node for node in (graph.get("wait_graph") or {}).get("nodes", [])}
            return nodes if nodes.get(f"pid:{holder.pid}", {}).get("host_pid") == host else None

        nodes = wait_until(seen, what="the holder known by both of its pids")
        assert nodes[f"pid:{holder.pid}"]["state"] == "is stopped"
        assert nodes[f"pid:{waiter.pid}"]["pid"] == waiter.pid
        assert f"pid:{host}" not in nodes
    finally:
        process.cont(host)
        server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '{app_name}%'")
    holder.wait()
    waiter.wait()


def test_within_the_container_nothing_is_translated(stuck, box, server, daemon, app_name, binaries):
    """The daemon sees the container's pids only: those that SQL says."""
    session, _ = stuck
    pghangd = daemon([rule("stuck", app_name)], dsn=server.dsn("pghangd"), mode="observe", prefix=box.inside("pid", "mount"))
    incident = wait_explained(pghangd, session.pid)
    assert_is_the_copy(incident["diagnosis"], session.pid, session.pid)
    assert not pghangd.events("diagnosed", host_pid=session.pid)
    for child in process.children(pghangd.process.pid):  # of nsenter
        os.kill(child, signal.SIGTERM)
    pghangd.process.wait(5)


@pytest.fixture
def address(box, server):
    """The server's address in its own network, reached by a pair of virtual interfaces. Names and addresses are this
    run's own: one that was killed may have left its pair, and another one may be under way."""
    here, there = f"pgh{os.getpid()}-h", f"pgh{os.getpid()}-c"
    network = ipaddress.ip_network("10.213.0.0/16")[os.getpid() % (1 << 14) * 4]  # of 2^14 with four addresses each
    pair = subprocess.run(["ip", "link", "add", here, "type", "veth", "peer", "name", there], capture_output=True, text=True)
    if any(words in pair.stderr for words in ("Unknown device type", "Operation not supported")):
        pytest.skip(f"this kernel has no virtual interfaces: {pair.stderr.strip()}")
    assert pair.returncode == 0, pair.stderr
    try:
        subprocess.run(["ip", "link", "set", there, "netns", str(box.init)], check=True)
        subprocess.run(["ip", "address", "add", f"{network + 1}/30", "dev", here], check=True)
        subprocess.run(["ip", "link", "set", here, "up"], check=True)
        box.run("ip", "address", "add", f"{network + 2}/30", "dev", there)
        box.run("ip", "link", "set", there, "up")
        with open(server.data / "pg_hba.conf", "a") as hba:
            hba.write(f"host all all {network}/30 trust\n")
        server.sql("SELECT pg_reload_conf()")
        yield str(network + 2)
    finally:
        subprocess.run(["ip", "link", "del", here], check=False)


def test_over_tcp_the_process_is_found_by_number_start_and_name(box, server, address, daemon, app_name):
    session = Session(server, app_name).start(f"COPY t FROM '{FIFO}'")
    host = box.host_pid(session.pid)
    try:
        pghangd = daemon([rule("stuck", app_name)], dsn=server.dsn("pghangd", host=address), mode="observe")
        incident = wait_explained(pghangd, session.pid)
        assert_is_the_copy(incident["diagnosis"], host, session.pid)
    finally:
        box.run("timeout", "5", "bash", "-c", f": <> {FIFO}")
    session.wait()


def test_over_tcp_a_process_of_the_same_number_age_and_name_is_not_taken_for_it(stuck, server, address, daemon, app_name):
    """pghangd's own connection says which server it is: the title of its backend has our port."""
    session, host = stuck
    pghangd = daemon([rule("stuck", app_name)], dsn=server.dsn("pghangd", host=address), mode="observe")
    incident = wait_explained(pghangd, session.pid)
    assert_is_the_copy(incident["diagnosis"], host, session.pid)
    assert pghangd.json("/api/v1/status")["targets"][0]["local_process"] is True
