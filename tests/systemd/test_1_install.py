"""The package on a bare Debian 12."""

import subprocess


def test_lintian_finds_no_error(package):
    answer = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", package], capture_output=True, text=True)
    print(answer.stdout)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_it_installs_with_only_its_declared_dependencies(installed):
    assert "pghangd" in installed.install_log
    assert installed.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "pghangd") == "installed"
    for program in ("/usr/bin/pghangd", "/usr/libexec/pghangd/pghangd-sampler"):
        assert "not found" not in installed.run("ldd", program)
    assert installed.run("pghangd", "--version").startswith("pghangd ")


def test_the_user_can_do_nothing_but_run_the_service(installed):
    name, _, uid, _, _, home, shell = installed.run("getent", "passwd", "pghangd").strip().split(":")
    assert 0 < int(uid) < 1000 and shell.endswith("nologin") and home in ("/", "/nonexistent")
    assert installed.run("id", "-Gn", "pghangd").split() == [name]


def test_it_starts_when_the_administrator_says_so(installed):
    assert installed.run("systemctl", "is-enabled", "pghangd.service", check=False).strip() == "disabled"
    assert installed.run("systemctl", "is-active", "pghangd.service", check=False).strip() == "inactive"


def test_the_installed_configuration_is_valid_and_observes(installed):
    assert "mode observe" in installed.run("pghangd", "check-config", "/etc/pghangd/pghangd.yaml")


def test_every_file_is_root_s_and_nobody_else_can_change_it(installed):
    for path in installed.run("dpkg", "-L", "pghangd").split():
        mode = installed.run("stat", "-L", "-c", "%U:%G %a", path).split()
        assert mode[0] == "root:root" and mode[1] in ("644", "755"), (path, mode)
