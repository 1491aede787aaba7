"""Upgrade with a changed configuration, removal, purge."""

import re
import subprocess

import pytest
from conftest import configure
from machine import wait_until

CONFIG = "/etc/pghangd/pghangd.yaml"


@pytest.fixture(scope="module")
def newer(prepared, package, tmp_path_factory):
    """The package of a later release, whose default configuration differs: its path in the machine."""
    work = tmp_path_factory.mktemp("newer") / "package"
    subprocess.run(["dpkg-deb", "--raw-extract", package, work], check=True)
    control = work / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 99.0", control.read_text()))
    config = work / CONFIG.lstrip("/")
    config.write_text(config.read_text() + "# new in 99.0\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", work, prepared.file("/root/newer.deb")], check=True, capture_output=True)
    return "/root/newer.deb"


def test_an_upgrade_keeps_a_changed_configuration_and_restarts_the_service(service, newer):
    configure(service)
    mine = service.file(CONFIG).read_text()
    main = service.show("MainPID")
    service.run("dpkg", "--force-confdef", "--force-confold", "-i", newer)
    assert service.run("dpkg-query", "-W", "-f", "${Version}", "pghangd") == "99.0"
    assert service.file(CONFIG).read_text() == mine
    assert "new in 99.0" in service.file(CONFIG + ".dpkg-dist").read_text()
    wait_until(lambda: service.show("StatusText").startswith("1 of 1 target up"), what="up")
    assert service.show("MainPID") != main


def test_an_upgrade_replaces_a_configuration_that_nobody_has_changed(service, newer):
    service.run("dpkg", "--force-confnew", "-i", "/root/pghangd.deb")
    service.run("dpkg", "-i", newer)
    assert service.file(CONFIG).read_text().endswith("# new in 99.0\n")


def test_without_being_told_it_asks_what_shall_become_of_a_changed_one(service, newer):
    service.run("dpkg", "--force-confnew", "-i", "/root/pghangd.deb")
    configure(service)
    told = service.run("dpkg", "-i", newer, check=False)  # nobody is there to answer
    assert f"Configuration file '{CONFIG}'" in told and "end of file on stdin at conffile prompt" in told
    assert service.show("ActiveState") == "active", "the old one watches on"
    service.run("dpkg", "--force-confold", "--configure", "pghangd")
    assert service.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "pghangd") == "installed"


def test_an_upgrade_starts_nothing_that_was_stopped(service, newer):
    service.run("systemctl", "stop", "pghangd.service")
    service.run("dpkg", "--force-confold", "-i", newer)
    assert service.show("ActiveState") == "inactive"


def test_removal_stops_it_and_keeps_the_configuration_and_purge_takes_it(service):
    assert service.processes()
    service.file("/var/lib/pghangd/evidence").write_text("of an incident")
    mine = service.file(CONFIG).read_text()
    service.run("dpkg", "--remove", "pghangd")
    assert service.processes() == {}
    assert not service.file("/usr/bin/pghangd").exists()
    assert service.file(CONFIG).read_text() == mine
    assert service.file("/var/lib/pghangd/evidence").exists()
    service.run("dpkg", "--purge", "pghangd")
    for path in (CONFIG, CONFIG + ".dpkg-dist", "/var/lib/pghangd", "/var/cache/pghangd", "/lib/systemd/system/pghangd.service"):
        assert not service.file(path).exists(), path
    assert service.run("systemctl", "list-unit-files", "--no-legend", "pghangd*", check=False).strip() == ""
    # Files elsewhere may be its: Debian's policy is to keep it.
    assert service.run("getent", "passwd", "pghangd").startswith("pghangd:")


def test_after_a_purge_it_can_be_installed_again(prepared):
    prepared.run("dpkg", "-i", "/root/pghangd.deb")
    assert prepared.run("systemctl", "is-enabled", "pghangd.service", check=False).strip() == "disabled"
    configure(prepared)
    prepared.run("systemctl", "start", "pghangd.service")
    wait_until(lambda: prepared.show("StatusText").startswith("1 of 1 target up"), what="up")
    prepared.run("systemctl", "stop", "pghangd.service")
