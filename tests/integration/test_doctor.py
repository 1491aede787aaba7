"""pghangd doctor on a real server: everything right, then broken on purpose, one thing at a time."""

import json
import os
import re
import socket
import subprocess

import psycopg2
import pytest
from support.cluster import Cluster
from support.daemon import BUILD, as_user, rule
from support.waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change user and capabilities")


@pytest.fixture(scope="module")
def server():
    """One of its own: roles, grants and pg_hba.conf are changed here."""
    one = Cluster().start()
    yield one
    one.stop()


@pytest.fixture
def folder(server):
    """Where the unprivileged user may read, and only root may write."""
    path = server.folder / "doctor"
    path.mkdir()
    path.chmod(0o755)
    yield path
    for entry in path.iterdir():
        entry.rmdir() if entry.is_dir() else entry.unlink()
    path.rmdir()


@pytest.fixture
def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def doctor(pghangd, server, folder, free_port):
    """Runs it as the unit would; answers exit code and the checks by name."""

    def run(dsn=None, mode="enforce", more="", text=None, **how):
        config = folder / "pghangd.yaml"
        config.write_text(text or (
            f"mode: {mode}\n"
            f"targets: [{{name: main, dsn: '{dsn or server.dsn('pghangd')}'}}]\n"
            f"web: {{listen_addresses: ['127.0.0.1:{free_port}']}}\n"
            f"polling: {{connect_timeout: 1s, statement_timeout: 1s}}\n{more}"
        ))
        config.chmod(0o644)
        answer = pghangd("doctor", "--json", "--config.file", config, **how)
        assert answer.stdout, answer.stderr
        report = json.loads(answer.stdout)
        checks = {}
        for check in report["checks"]:
            checks.setdefault(check["check"], check)
        assert report["failed"] == sum(c["grade"] == "fail" for c in report["checks"])
        return answer.returncode, checks

    return run


def failed(checks):
    return sorted(name for name, check in checks.items() if check["grade"] == "fail")


def only_failure(answer, name):
    """The one check that failed; exit code 1."""
    code, checks = answer
    assert failed(checks) == [name], checks
    assert code == 1
    return checks[name]


@needs_root
def test_a_healthy_installation_has_no_failure_and_no_warning(doctor):
    code, checks = doctor()
    assert code == 0, checks
    assert {check["grade"] for check in checks.values()} == {"ok"}, checks
    assert "frames read without stopping it" in checks["main: process"]["text"]


def test_it_prints_a_line_for_each_check_and_hides_the_password(pghangd, server):
    answer = pghangd("doctor", "--dsn", server.dsn("pghangd", password="hunter2"))
    lines = answer.stdout.splitlines()
    assert all(line.startswith(("ok    ", "warn  ", "FAIL  ")) for line in lines[:-1]), lines
    assert lines[-1].startswith(f"{len(lines) - 1} checks: ")
    assert "hunter2" not in answer.stdout + answer.stderr


def test_a_missing_role_is_made_by_setup_sql(doctor, server):
    check = only_failure(doctor(server.dsn("nobody_made_it")), "main: connection")
    assert "nobody_made_it" in check["text"]
    assert "setup.sql" in check["fix"]


def test_a_wrong_password_is_the_password_file_s(doctor, server, folder):
    hba = server.data / "pg_hba.conf"
    before = hba.read_text()
    server.sql("CREATE ROLE secret LOGIN PASSWORD 'right'")
    secret = folder / "password"
    secret.write_text("wrong\n")
    secret.chmod(0o644)
    try:
        hba.write_text("local all secret scram-sha-256\n" + before)
        server.sql("SELECT pg_reload_conf()")
        with_password = server.dsn("secret", password="wrong")

        def refused():
            try:
                psycopg2.connect(with_password).close()
            except psycopg2.OperationalError as error:
                return "password authentication failed" in str(error)

        wait_until(refused, what="pg_hba.conf is in force")
        text = (
            f"targets: [{{name: main, dsn: '{server.dsn('secret')}', password_file: {secret}}}]\n"
            "web: {listen_addresses: ['127.0.0.1:0']}\n"
        )
        check = only_failure(doctor(text=text), "main: connection")
        assert "password_file" in check["fix"]
        secret.unlink()
        check = only_failure(doctor(text=text), "main: connection")
        assert str(secret) in check["fix"]
    finally:
        hba.write_text(before)
        server.sql("SELECT pg_reload_conf()")
        server.sql("DROP ROLE secret")


def test_missing_grants_are_named_as_statements_which_help(doctor, server):
    server.sql("CREATE ROLE bare LOGIN")
    try:
        code, checks = doctor(server.dsn("bare"))
        assert code == 1
        assert failed(checks) == ["main: pg_monitor", "main: pg_signal_backend"]
        assert checks["main: connection limit"]["grade"] == checks["main: timeouts"]["grade"] == "warn"
        _, checks = doctor(server.dsn("bare"), mode="observe")
        assert failed(checks) == ["main: pg_monitor"]
        for name in ("pg_monitor", "pg_signal_backend"):
            server.sql(f"GRANT {name} TO bare;")
        server.sql(checks["main: connection limit"]["fix"])
        code, checks = doctor(server.dsn("bare"))
        assert code == 0
        assert checks["main: connection limit"]["grade"] == "ok"
    finally:
        server.sql("DROP ROLE bare")


def test_a_superuser_is_more_than_needed(doctor, server):
    code, checks = doctor(server.dsn("postgres"))
    assert code == 0
    assert checks["main: role"]["grade"] == "warn"
    assert "setup.sql" in checks["main: role"]["fix"]


def test_a_server_that_is_not_there_is_to_be_started(doctor):
    check = only_failure(doctor("host=/nonexistent user=pghangd dbname=postgres"), "main: connection")
    assert "start the server" in check["fix"]


def test_a_server_that_accepts_and_never_answers_does_not_hang_it(doctor):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        check = only_failure(doctor(f"host=127.0.0.1 port={port} user=pghangd dbname=postgres"), "main: connection")
    assert "timeout" in check["text"]
    assert "pghangd diagnose its postmaster" in check["fix"]


@needs_root
def test_without_capabilities_each_is_named_with_the_unit_s_setting(doctor):
    code, checks = doctor(capabilities=())
    assert code == 1
    for name in ("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"):
        check = checks[f"capability {name}"]
        assert check["grade"] == "fail"
        assert name in check["fix"] and "AmbientCapabilities=" in check["fix"]
    assert checks["capability CAP_SYS_NICE"]["grade"] == "warn"
    assert checks["main: process"]["grade"] == "fail"
    assert "CAP_SYS_PTRACE" in checks["main: process"]["text"] + checks["main: process"]["fix"]


@needs_root
def test_one_capability_less_is_seen_in_what_it_takes_away(doctor):
    _, checks = doctor(capabilities=("sys_ptrace", "sys_nice"))
    assert failed(checks) == ["capability CAP_DAC_READ_SEARCH", "main: process"]
    assert "CAP_DAC_READ_SEARCH" in checks["main: process"]["text"]


@needs_root
def test_signals_without_sql_need_a_capability_that_a_drop_in_gives(doctor):
    more = "signal_without_sql: true\n"
    assert "signal-without-sql.conf" in only_failure(doctor(more=more), "capability CAP_KILL")["fix"]
    code, checks = doctor(more=more, capabilities=("sys_ptrace", "dac_read_search", "sys_nice", "kill"))
    assert code == 0 and checks["capability CAP_KILL"]["grade"] == "ok"


@needs_root
def test_root_can_check_what_the_service_may(doctor, server, binaries):
    def run(*arguments):
        return subprocess.run(
            [binaries / "pghangd", "doctor", "--json", "--dsn", server.dsn("pghangd"), *arguments],
            capture_output=True, text=True, timeout=30, cwd="/", stdin=subprocess.DEVNULL,
        )

    as_root = {check["check"]: check for check in json.loads(run().stdout)["checks"]}
    assert as_root["user"]["grade"] == "warn"
    assert as_root["user"]["fix"] == "sudo pghangd doctor --user pghangd"
    as_service = {check["check"]: check for check in json.loads(run("--user", "nobody").stdout)["checks"]}
    assert as_service["user"]["text"] == "nobody"
    assert as_service["main: process"]["grade"] == "ok"
    assert "CAP_SYS_ADMIN" in as_service["capabilities, optional"]["text"].split("not held")[1]
    absent = run("--user", "no-such-user")
    assert absent.returncode == 77 and "no-such-user" in absent.stderr
    unprivileged = subprocess.run(
        [*as_user(()), binaries / "pghangd", "doctor", "--user", "daemon"], capture_output=True, text=True, timeout=30, cwd="/",
    )
    assert unprivileged.returncode == 77, unprivileged.stdout


def test_a_port_of_another_program_is_named_with_the_command_that_finds_it(doctor, free_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        check = only_failure(doctor(), f"listen 127.0.0.1:{free_port}")
    assert f"ss -ltnp 'sport = :{free_port}'" in check["fix"]
    assert "web.listen_addresses" in check["fix"]


def test_a_port_that_pghangd_itself_has_is_all_right(doctor, daemon, server):
    running = daemon([rule("idle", "nobody")], dsn=server.dsn("pghangd"))
    port = running.url.rsplit(":", 1)[1]
    _, checks = doctor(text=f"targets: [{{name: main, dsn: '{server.dsn('pghangd')}'}}]\nweb: {{listen_addresses: ['127.0.0.1:{port}']}}\n")
    check = checks[f"listen 127.0.0.1:{port}"]
    assert check["grade"] == "ok"
    assert "in use by a pghangd" in check["text"]


@needs_root
def test_a_configuration_that_cannot_be_read_is_exit_code_78(pghangd, folder):
    config = folder / "pghangd.yaml"
    config.write_text("mode: observe\n")
    config.chmod(0o600)
    answer = pghangd("doctor", "--config.file", config, capabilities=())
    assert answer.returncode == 78
    line = answer.stdout.splitlines()[0]
    assert line.startswith("FAIL  config ") and "Permission denied" in line
    assert f"ls -l {config}" in line


def test_unknown_keys_are_exit_code_78_and_the_host_is_checked_all_the_same(doctor):
    code, checks = doctor(text="mode: observe\npolling: {intervall: 5s}\n")
    assert code == 78
    assert "polling.intervall" in checks["config"]["text"]
    assert "kernel.yama.ptrace_scope" in checks and "sampler" in checks


@needs_root
@pytest.mark.parametrize(
    "key, setting",
    [("bundle.directory", "bundle: {{directory: {}}}\n"), ("store.file", "store: {{file: {}/pghangd.db}}\n")],
)
def test_a_folder_that_cannot_be_written_to_is_named_with_the_command_that_makes_it(doctor, folder, key, setting):
    path = folder / "kept"
    more = setting.format(path)
    check = only_failure(doctor(more=more), key)
    assert "No such file" in check["text"]
    assert f"sudo install -d -o pghangd -g pghangd -m 0700 {path}" in check["fix"]
    path.mkdir(mode=0o700)
    check = only_failure(doctor(more=more), key)
    assert "Permission denied" in check["text"]
    path.chmod(0o777)
    code, checks = doctor(more=more)
    assert code == 0 and checks[key]["grade"] == "ok"


def test_the_state_directory_is_the_unit_s_outside_of_it_too(doctor):
    _, checks = doctor(more="bundle: {directory: '${STATE_DIRECTORY}/bundles'}\n")
    assert "/var/lib/pghangd/bundles" in checks["bundle.directory"]["text"]
    _, checks = doctor(more="bundle: {directory: '${STATE_DIRECTORY}/bundles'}\n", env={"STATE_DIRECTORY": "/nowhere"})
    assert "/nowhere/bundles" in checks["bundle.directory"]["text"]


def test_the_store_in_the_state_directory_is_looked_at_too(doctor, folder):
    """By default, where the service has never run; then in a folder as systemd makes it, with a file of somebody else's."""
    code, checks = doctor()
    if not os.path.exists("/var/lib/pghangd"):
        assert code == 0 and checks["store.file"]["grade"] == "ok"
        assert checks["store.file"]["text"].startswith("/var/lib/pghangd: systemd makes it when the service starts, ")
    state = folder / "state"
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    env = {"STATE_DIRECTORY": str(state)}
    code, checks = doctor(env=env)
    assert code == 0 and re.fullmatch(rf"{state} can be written to, \d+ MB free", checks["store.file"]["text"])
    if os.geteuid() != 0:
        return
    (state / "pghangd.db").touch(mode=0o600)
    code, checks = doctor(env=env)
    (state / "pghangd.db").unlink()
    assert checks["store.file"]["text"] == f"{state}/pghangd.db cannot be written to: Permission denied"
    assert f"sudo chown pghangd: {state}/pghangd.db*" in checks["store.file"]["fix"]


def test_a_sampler_that_is_not_there_or_does_not_start_is_named(pghangd, server):
    for program in ("/nonexistent/pghangd-sampler", "/bin/false"):
        answer = pghangd("--sampler.program", program, "doctor", "--dsn", server.dsn("pghangd"))
        line = next(l for l in answer.stdout.splitlines() if l.startswith("FAIL  sampler "))
        assert f"ldd {program}" in line
        assert answer.returncode == 1


def test_the_build_tree_finds_its_own_sampler():
    answer = subprocess.run([BUILD / "daemon/pghangd", "doctor"], capture_output=True, text=True, timeout=30)
    assert any(line.startswith("ok    sampler ") for line in answer.stdout.splitlines()), answer.stdout
