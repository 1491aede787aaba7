"""One real server for the run, one daemon per test; every test leaves its backends as they were."""

import os
import subprocess
import tempfile

import pytest
from support.cluster import Cluster, Session, remove_folder
from support.daemon import UNIT_CAPABILITIES, Daemon, as_user, install
from support import process
from zoo.confusion import Confusion
from zoo.witness import Agreements


@pytest.fixture(scope="session")
def cluster():
    server = Cluster(["max_prepared_transactions = 4"]).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def binaries():
    folder = tempfile.mkdtemp(prefix="pghangd-bin-", dir="/tmp")
    yield install(folder)
    remove_folder(folder)


def command_line(binaries, arguments, capabilities):
    """pghangd as the unit runs it, or (capabilities: None) as we are."""
    prefix = as_user(capabilities) if os.geteuid() == 0 and capabilities is not None else []
    return [*prefix, binaries / "pghangd", *map(str, arguments)]


@pytest.fixture
def pghangd(binaries):
    """Runs a command to its end."""

    def run(*arguments, capabilities=UNIT_CAPABILITIES, env=None):
        return subprocess.run(
            command_line(binaries, arguments, capabilities),
            capture_output=True, text=True, timeout=30, cwd="/", stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
        )

    return run


@pytest.fixture
def start_pghangd(binaries):
    """Starts a command; whatever still runs afterwards is ended."""
    started = []

    def start(*arguments, capabilities=UNIT_CAPABILITIES):
        started.append(subprocess.Popen(
            command_line(binaries, arguments, capabilities),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", stdin=subprocess.DEVNULL,
        ))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


@pytest.fixture
def app_name(request):
    """Names the sessions of one test, so that its rules match nobody else's."""
    return request.node.name.replace("[", "-").replace("]", "")[:60]


@pytest.fixture
def session(cluster, app_name):
    """Opens sessions; afterwards none of them may be left stopped or traced."""
    opened = []

    def open_session(**more):
        more.setdefault("application_name", app_name)
        opened.append(Session(cluster, **more))
        return opened[-1]

    yield open_session
    left = {s.pid: process.state(s.pid) for s in opened}
    for one in opened:
        process.cont(one.pid) if left[one.pid] == "T" else None
        one.close()
    assert not [pid for pid, state in left.items() if state in ("T", "t")], left


@pytest.fixture
def daemon(cluster, binaries):
    """Starts daemons over the cluster; stops them, and shows the log of a failed test."""
    started = []

    def start(rules, wait=True, **more):
        more.setdefault("dsn", cluster.dsn("pghangd"))
        one = Daemon(binaries, "/tmp", rules=rules, **more)
        started.append(one)
        return one.start().wait_ready() if wait else one.launch()

    yield start
    for one in started:
        one.stop()
        print(one.log())
        remove_folder(one.folder)


@pytest.fixture(scope="session")
def confusion(request):
    """What the zoo made, and what it was diagnosed as."""
    table = Confusion()
    request.config.zoo_confusion = table
    return table


@pytest.fixture(scope="session")
def agreements(request):
    """What pghangd and gdb agreed in, hang by hang."""
    table = Agreements()
    request.config.zoo_agreements = table
    return table


def pytest_terminal_summary(terminalreporter, config):
    if folder := getattr(config, "screenshots", None):
        terminalreporter.line(f"screenshots of the pages: {folder}")
    table = getattr(config, "zoo_confusion", None)
    if table and table.rows:
        terminalreporter.section("the zoo: made against diagnosed")
        for line in table.lines():
            terminalreporter.line(line)
    table = getattr(config, "zoo_agreements", None)
    if table and table.rows:
        terminalreporter.section("the zoo: frame by frame against gdb")
        for line in table.lines():
            terminalreporter.line(line)
