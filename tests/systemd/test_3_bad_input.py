"""What goes wrong at a start is one clear line in `systemctl status`, and the doctor says what mends it."""

import json

from conftest import configure, drop_in
from machine import wait_until


def restart(machine):
    machine.run("systemctl", "reset-failed", "pghangd.service", check=False)
    machine.run("systemctl", "restart", "pghangd.service", check=False)


def lines_with(text, *words):
    return [line for line in text.splitlines() if all(word in line for word in words)]


def says(machine, *words):
    """`systemctl status`, once its Status line, or a line of its log, has all the words."""
    return wait_until(lambda: lines_with(machine.status(), *words), 20, f"systemctl status says {words}; it says\n{machine.status()}")


def doctor(machine):
    """{check: fix} of what fails."""
    told = machine.run("pghangd", "doctor", "--json", "--user", "pghangd", "--config.file", "/etc/pghangd/pghangd.yaml", check=False)
    return {check["check"]: check["fix"] for check in json.loads(told)["checks"] if check["grade"] == "fail"}


def test_a_service_that_lacks_nothing(service):
    assert doctor(service) == {}


def test_a_role_that_is_missing(service):
    service.sql("DROP OWNED BY pghangd; DROP ROLE pghangd")
    try:
        restart(service)
        assert len(says(service, "Status:", "0 of 1 target up", 'role "pghangd" does not exist')) == 1
        assert service.show("SubState") == "running", "it waits for the role"
        assert doctor(service) == {"main: connection": "sudo -u postgres psql -f /usr/share/pghangd/setup.sql"}
    finally:
        service.run("psql", "-X", "-q", "-f", "/usr/share/pghangd/setup.sql", user="postgres")
    says(service, "Status:", "1 of 1 target up")


def test_a_wrong_password(service):
    service.sql("ALTER ROLE pghangd PASSWORD 'right'")
    service.file("/etc/pghangd/pgpassword").write_text("wrong\n")
    service.file("/etc/pghangd/pgpassword").chmod(0o600)
    drop_in(service, "[Service]\nLoadCredential=pgpassword:/etc/pghangd/pgpassword\n")
    configure(service, "host=127.0.0.1 user=pghangd dbname=postgres\n    password_file: ${CREDENTIALS_DIRECTORY}/pgpassword")
    restart(service)
    says(service, "Status:", "0 of 1 target up", 'password authentication failed for user "pghangd"')
    failed = doctor(service)
    assert list(failed) == ["main: connection"] and "put the same into password_file" in failed["main: connection"], failed
    service.file("/etc/pghangd/pgpassword").write_text("right\n")
    restart(service)
    says(service, "Status:", "1 of 1 target up")
    assert doctor(service) == {}
    assert "right" not in service.run("journalctl", "--unit=pghangd.service", "--no-pager")


def test_a_capability_that_is_missing(service):
    drop_in(service, "[Service]\nAmbientCapabilities=\nAmbientCapabilities=CAP_SYS_PTRACE CAP_SYS_NICE\n")
    restart(service)
    says(service, "Status:", "1 of 1 target up", "without CAP_DAC_READ_SEARCH")
    says(service, "capability_missing", "capability=CAP_DAC_READ_SEARCH")
    assert "of the unit, as shipped, have CAP_DAC_READ_SEARCH" in doctor(service)["capability CAP_DAC_READ_SEARCH"]


def test_a_configuration_that_cannot_be_read(service):
    path = service.file("/etc/pghangd/pghangd.yaml")
    path.chmod(0o000)
    try:
        restart(service)
        says(service, "/etc/pghangd/pghangd.yaml", "Permission denied")
        assert service.show("ActiveState") == "failed" and service.show("ExecMainStatus") == "78"
        assert service.show("NRestarts") == "0", "trying again does not help"
        assert doctor(service) == {"config": "give a file that this user may read: ls -l /etc/pghangd/pghangd.yaml"}
    finally:
        path.chmod(0o644)


def test_a_configuration_with_a_mistake(service):
    configure(service, extra="polling_interval: 5s\n")
    restart(service)
    says(service, "pghangd.yaml:", "polling_interval")
    assert service.show("ActiveState") == "failed" and service.show("ExecMainStatus") == "78"
    assert doctor(service) == {"config": "correct that line; pghangd.yaml(5) explains every key"}


def test_a_port_that_is_in_use(service):
    service.run("systemctl", "stop", "pghangd.service")
    script = "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1:10187', Listen => 1, ReuseAddr => 1) or die; print qq($$\\n); STDOUT->flush; sleep 60"
    holder = service.start("perl", "-e", script)
    try:
        pid = int(holder.stdout.readline())
        restart(service)
        says(service, "cannot listen on 127.0.0.1:10187: Address already in use")
        assert "ss -ltnp" in doctor(service)["listen 127.0.0.1:10187"]
    finally:
        service.signal("KILL", pid)
        holder.communicate(timeout=10)
    wait_until(lambda: service.show("SubState") == "running", 20, "it is tried again")
