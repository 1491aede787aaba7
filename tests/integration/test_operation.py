"""How the daemon behaves as a service: start, reload, stop, a server that comes and goes."""

import os
import signal
import socket
import subprocess
import time

from support import process
from support.cluster import Cluster, Session, release_fifo
from support.daemon import Daemon, as_user, rule
from support.waiting import wait_until

import pytest


def test_sigterm_ends_it_within_two_seconds_and_leaves_no_process(session, daemon, app_name):
    pghangd = daemon([rule("stuck", app_name)])
    family = pghangd.family()
    assert len(family) >= 2, "keeper and worker"
    started = time.monotonic()
    pghangd.process.send_signal(signal.SIGTERM)
    assert pghangd.process.wait(5) == 0
    assert time.monotonic() - started < 2.0
    wait_until(lambda: not [pid for pid in family if process.alive(pid)], what="helpers gone")


def test_sigterm_ends_it_within_two_seconds_although_nobody_reads_its_log(cluster, binaries, app_name):
    read_end, write_end = os.pipe()
    config = cluster.folder / "stuck-log.yaml"
    config.write_text(
        f"targets:\n  - {{name: main, dsn: '{cluster.dsn('pghangd')}'}}\npolling: {{interval: 100ms}}\nlog: {{level: debug}}\n"
    )
    prefix = as_user(()) if os.geteuid() == 0 else []
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(write_end, True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = subprocess.Popen(
        [*prefix, binaries / "pghangd", "run", "--config.file", config, "--web.listen-address", f"127.0.0.1:{port}"],
        stderr=write_end, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/",
    )
    try:
        def polls():
            import urllib.request

            try:
                text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2).read().decode()
            except OSError:
                return 0
            return sum(float(l.split()[-1]) for l in text.splitlines() if l.startswith("pghangd_polls_total") and "success" in l)

        wait_until(lambda: polls() >= 5, what="polls go on with a full log pipe")
        started = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(5) == 0
        assert time.monotonic() - started < 2.0
    finally:
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
        os.close(read_end)
        os.close(write_end)


def test_sighup_reloads_and_a_broken_file_keeps_the_old_rules(session, daemon, app_name):
    sleeper = session()
    pghangd = daemon([rule("stuck", app_name, query_age="1h")])
    sleeper.start("SELECT pg_sleep(30)")
    pghangd.config.write_text("rules: [")
    pghangd.process.send_signal(signal.SIGHUP)
    wait_until(lambda: pghangd.events("reload_failed"))
    assert pghangd.metric("pghangd_config_last_reload_successful") == 0
    assert f"{pghangd.config}:" in pghangd.log()
    pghangd.configure([rule("stuck", app_name)])
    pghangd.process.send_signal(signal.SIGHUP)
    pghangd.wait_incident(sleeper.pid, outcome="cancelled")
    assert pghangd.metric("pghangd_config_last_reload_successful") == 1
    sleeper.wait()


def test_the_password_is_nowhere_to_be_seen(cluster, daemon, app_name):
    secret = "correct-horse-battery"
    cluster.sql(f"ALTER ROLE pghangd PASSWORD '{secret}'")
    pghangd = daemon([rule("stuck", app_name)], dsn=cluster.dsn("pghangd", password=secret))
    pages = [pghangd.get(path)[1] for path in ("/", "/metrics", "/api/v1/status", "/api/v1/backends", "/api/v1/incidents")]
    assert secret not in pghangd.log() + "".join(pages)
    assert "user=pghangd" in pages[2]


def test_query_constants_are_masked_everywhere(session, daemon, app_name):
    stuck = session()
    stuck.start("SELECT pg_sleep(4), 'card 4111-1111' /* pin 1234 */")
    pghangd = daemon([rule("stuck", app_name, action="observe")])
    pghangd.wait_incident(stuck.pid, diagnosed=True)
    pages = [pghangd.get(path)[1] for path in ("/", "/metrics", "/api/v1/backends", "/api/v1/incidents")]
    pages.append(str(pghangd.incident(stuck.pid)))
    assert "4111-1111" not in pghangd.log() + "".join(pages)
    assert "1234" not in pghangd.log() + "".join(pages)
    assert "pg_sleep" in pages[-1]
    stuck.wait()


def test_postgresql_stopped_and_started_again_is_down_then_up(binaries, app_name):
    own = Cluster().start()
    pghangd = Daemon(binaries, "/tmp", own.dsn("pghangd"), [rule("stuck", app_name)])
    try:
        pghangd.start().wait_ready()
        assert pghangd.metric("pghangd_up", target="main") == 1
        own.pg_ctl("stop", "-m", "fast", "-w")
        wait_until(lambda: pghangd.metric("pghangd_up", target="main") == 0)
        assert pghangd.get("/-/healthy")[0] == 200
        own.pg_ctl("start", "-w", "-l", "/dev/null")
        wait_until(lambda: pghangd.metric("pghangd_up", target="main") == 1)
        sleeper = Session(own, app_name)
        sleeper.start("SELECT pg_sleep(30)")
        pghangd.wait_incident(sleeper.pid, outcome="cancelled")
        sleeper.wait()
        assert pghangd.process.poll() is None
    finally:
        pghangd.stop()
        own.stop()


def test_a_postmaster_that_does_not_answer_never_blocks_the_loop(binaries, app_name):
    own = Cluster().start()
    pghangd = Daemon(binaries, "/tmp", own.dsn("pghangd"), [rule("stuck", app_name)])
    stopped = []
    try:
        pghangd.start().wait_ready()
        backend = own.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'pghangd'")[0][0]
        stopped = [own.postmaster, backend]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: pghangd.metric("pghangd_up", target="main") == 0, timeout=20)
        slowest = 0.0
        for _ in range(20):
            started = time.monotonic()
            assert pghangd.get("/metrics")[0] == 200
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.05)
        print(f"slowest of 20 scrapes while the server does not answer: {slowest * 1000:.1f} ms")
        assert slowest < 0.5
        for pid in stopped:
            process.cont(pid)
        wait_until(lambda: pghangd.metric("pghangd_up", target="main") == 1, timeout=30)
    finally:
        for pid in stopped:
            process.cont(pid)
        pghangd.stop()
        own.stop()


def test_a_port_in_use_is_one_clear_line(cluster, binaries, app_name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        prefix = as_user(()) if os.geteuid() == 0 else []
        answer = subprocess.run(
            [*prefix, binaries / "pghangd", "run", "--dsn", cluster.dsn("pghangd"), "--web.listen-address", f"127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=10, cwd="/",
        )
    assert answer.returncode == 1
    assert f"127.0.0.1:{port}" in answer.stderr and "in use" in answer.stderr


def test_the_daemon_itself_holds_no_capability_and_the_keeper_keeps_them(daemon, app_name):
    if os.geteuid() != 0:
        pytest.skip("needs root to start it with capabilities")
    pghangd = daemon([rule("stuck", app_name)])

    def effective(pid):
        text = open(f"/proc/{pid}/status").read()
        return {line.split(":")[0]: line.split()[1] for line in text.splitlines() if line.startswith("Cap")}

    mine = effective(pghangd.process.pid)
    assert int(mine["CapEff"], 16) == int(mine["CapPrm"], 16) == int(mine["CapAmb"], 16) == 0
    kept = int(effective(pghangd.keeper())["CapEff"], 16)
    assert kept == 1 << 19 | 1 << 2 | 1 << 23  # SYS_PTRACE, DAC_READ_SEARCH, SYS_NICE
