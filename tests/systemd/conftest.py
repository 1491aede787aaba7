import os
import shutil
from pathlib import Path

import pytest
from hang import Hang
from machine import Machine, wait_until
from root import root_with_postgresql

PACKAGE = Path(os.environ["PGHANG_PACKAGE"])

CONFIG = """mode: enforce
targets:
  - name: main
    dsn: {dsn}
polling:
  interval: 200ms
  reconnect_max: 500ms
sampling:
  repeat: 500ms
rules:
  - name: stuck
    match:
      state: active
      query_age: 300ms
      user: app
    action: terminate
    cancel_grace: 700ms
    terminate_grace: 700ms
"""
PEER = "user=pghangd dbname=postgres host=/var/run/postgresql"


@pytest.fixture(scope="session")
def package():
    return PACKAGE


@pytest.fixture(scope="session")
def bare(tmp_path_factory, package):
    """A booted Debian with PostgreSQL, and the package's file in /root; not installed."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        machine.prepare(root_with_postgresql())
        shutil.copy(package, machine.file("/root/pghangd.deb"))
        machine.fetch("/root/pghangd.deb", options=["--no-install-recommends"])
        machine.boot()
        wait_until(lambda: machine.run("pg_isready", check=False).endswith("accepting connections\n"), 30, "PostgreSQL runs")
        yield machine
    finally:
        machine.power_off()
        shutil.rmtree(machine.work, ignore_errors=True)


@pytest.fixture(scope="session")
def installed(bare):
    """With the package, as `apt install ./pghangd.deb` leaves it."""
    bare.install_log = bare.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "/root/pghangd.deb", timeout=120)
    return bare


@pytest.fixture(scope="session")
def prepared(installed):
    """With the role, pg_hba.conf and a configuration of short intervals: not started."""
    installed.run("psql", "-X", "-q", "-f", "/usr/share/pghangd/setup.sql", user="postgres")
    installed.sql("CREATE ROLE app LOGIN; GRANT pg_read_server_files TO app; CREATE TABLE t (line text); GRANT ALL ON t TO app")
    hba = installed.file("/etc/postgresql/15/main/pg_hba.conf")
    hba.write_text("local postgres pghangd peer\nlocal postgres app trust\n" + hba.read_text())
    installed.sql("SELECT pg_reload_conf()")
    return installed


def configure(machine, dsn=PEER, extra=""):
    machine.file("/etc/pghangd/pghangd.yaml").write_text(CONFIG.format(dsn=dsn) + extra)


def drop_in(machine, text=None):
    """The one drop-in of the tests; none with None."""
    folder = machine.file("/etc/systemd/system/pghangd.service.d")
    shutil.rmtree(folder, ignore_errors=True)
    if text is not None:
        folder.mkdir(parents=True)
        (folder / "test.conf").write_text(text)
    machine.run("systemctl", "daemon-reload")


@pytest.fixture
def service(prepared):
    """Active, with one target up; what a test has changed is undone before the next."""
    drop_in(prepared)
    configure(prepared)
    prepared.run("systemctl", "reset-failed", "pghangd.service", check=False)
    prepared.run("systemctl", "restart", "pghangd.service")
    wait_until(lambda: prepared.show("StatusText").startswith("1 of 1 target up"), what="the target is up")
    yield prepared
    prepared.run("systemctl", "stop", "pghangd.service", check=False)


@pytest.fixture
def hang(service):
    with Hang(service) as one:
        yield one
