#!/usr/bin/python3
"""config/setup.sql on a throwaway PostgreSQL server. Run as root it uses the user `postgres`."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

SETUP_SQL = pathlib.Path(__file__).resolve().parents[2] / "config" / "setup.sql"


def server_programs():
    """The newest of Debian's versions, or what is in PATH."""
    versions = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    newest = max(versions, key=lambda path: int(path.parent.name), default=None)
    return newest or pathlib.Path(shutil.which("initdb")).parent


class SetupSql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pghang_setup_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        if os.geteuid() == 0:
            shutil.chown(cls.folder, "postgres", "postgres")
        cls.script = cls.folder / "setup.sql"
        shutil.copy(SETUP_SQL, cls.script)
        cls.script.chmod(0o644)
        programs = server_programs()
        data = cls.folder / "data"
        cls.run_as_owner(programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N")
        options = f"-c listen_addresses= -c unix_socket_directories={cls.folder} -c fsync=off"
        pg_ctl = [programs / "pg_ctl", "-D", data, "-w"]
        cls.run_as_owner(*pg_ctl, "-l", cls.folder / "log", "-o", options, "start")
        cls.addClassCleanup(cls.run_as_owner, *pg_ctl, "-m", "immediate", "stop")
        cls.install()

    @staticmethod
    def as_owner():
        return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    @classmethod
    def run_as_owner(cls, *command):
        result = subprocess.run(
            [*cls.as_owner(), *map(str, command)],
            cwd=cls.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )
        if result.returncode != 0:
            raise AssertionError(f"{command}: {result.stdout}{result.stderr}")
        return result.stdout

    @classmethod
    def install(cls):
        return cls.run_as_owner(
            "psql", "-X", "-q", "-h", cls.folder, "-U", "postgres", "-d", "postgres",
            "-f", cls.script,
        )

    @classmethod
    def ask(cls, sql, user="postgres"):
        """The rows of a query, as text."""
        rows = cls.run_as_owner(
            "psql", "-X", "-q", "-A", "-t", "-h", cls.folder, "-U", user, "-d", "postgres",
            "-v", "ON_ERROR_STOP=1", "-c", sql,
        )
        return rows.split("\n")[:-1]

    ATTRIBUTES = (
        "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        " rolinherit, rolconnlimit FROM pg_roles WHERE rolname = 'pghangd'"
    )

    def test_the_role_may_log_in_three_times_and_nothing_else(self):
        self.assertEqual(self.ask(self.ATTRIBUTES), ["t|f|f|f|f|f|t|3"])

    def test_the_role_is_a_member_of_two_roles_without_admin_option(self):
        members = (
            "SELECT r.rolname, m.admin_option FROM pg_auth_members m JOIN pg_roles r"
            " ON r.oid = m.roleid WHERE m.member = 'pghangd'::regrole ORDER BY 1"
        )
        self.assertEqual(self.ask(members), ["pg_monitor|f", "pg_signal_backend|f"])

    def test_a_session_has_timeouts_and_a_pinned_search_path(self):
        for setting, value in (
            ("statement_timeout", "10s"),
            ("lock_timeout", "1s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("default_transaction_read_only", "on"),
            ("search_path", "pg_catalog, pg_temp"),
        ):
            self.assertEqual(self.ask(f"SHOW {setting}", user="pghangd"), [value], setting)

    def test_the_role_sees_and_cancels_the_statement_of_another(self):
        self.ask("CREATE ROLE bob LOGIN")
        bob = subprocess.Popen(
            [*self.as_owner(), "psql", "-X", "-q", "-h", self.folder, "-U", "bob", "-d", "postgres",
             "-c", "SELECT pg_sleep(30)"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        self.addCleanup(bob.kill)
        cancel = (
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'bob' AND query = 'SELECT pg_sleep(30)'"
        )
        deadline = time.monotonic() + 20
        answer = []
        while not answer and time.monotonic() < deadline:
            answer = self.ask(cancel, user="pghangd")
        self.assertEqual(answer, ["t"])
        _, error = bob.communicate(timeout=20)
        self.assertIn("canceling statement due to user request", error)

    def test_running_it_again_sets_back_what_was_changed(self):
        self.ask("ALTER ROLE pghangd CREATEDB CONNECTION LIMIT -1")
        self.ask("ALTER ROLE pghangd SET statement_timeout = 0")
        self.install()
        self.assertEqual(self.ask(self.ATTRIBUTES), ["t|f|f|f|f|f|t|3"])
        self.assertEqual(self.ask("SHOW statement_timeout", user="pghangd"), ["10s"])

    def test_running_it_again_keeps_the_password(self):
        self.ask("ALTER ROLE pghangd PASSWORD 'x'")
        before = self.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'pghangd'")
        self.install()
        after = self.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'pghangd'")
        self.assertTrue(before[0].startswith("SCRAM-SHA-256$"))
        self.assertEqual(before, after)


if __name__ == "__main__":
    unittest.main()
