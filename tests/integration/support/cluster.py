"""A throwaway PostgreSQL cluster (scripts/cluster) with pghangd's role and an application's role."""

import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import psycopg2

from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]

APP_SETUP = """
CREATE ROLE app LOGIN;
GRANT pg_read_server_files, pg_execute_server_program TO app;
CREATE TABLE public.t (line text);
GRANT ALL ON public.t TO app;
CREATE EXTENSION plpython3u;
CREATE FUNCTION public.py_sleep(seconds float8) RETURNS void LANGUAGE plpython3u SECURITY DEFINER AS
  'import time; time.sleep(seconds)';
CREATE FUNCTION public.py_spin(seconds float8) RETURNS void LANGUAGE plpython3u SECURITY DEFINER AS $$
import time
end = time.monotonic() + seconds
while True:
    if time.monotonic() > end:
        return
$$;
CREATE FUNCTION public.ignore_cancel(seconds float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE finish timestamptz := clock_timestamp() + seconds * interval '1 second';
BEGIN
  WHILE clock_timestamp() < finish LOOP
    BEGIN
      PERFORM pg_sleep(0.2);
    EXCEPTION WHEN query_canceled THEN
      NULL;
    END;
  END LOOP;
END $$;
"""


class Cluster:
    """The server, and a folder that its user can write to. `prefix`: of the command that starts and stops it, as
    Container.inside()."""

    def __init__(self, conf=(), waldir=None, prefix=()):
        self.prefix = list(prefix)
        self.arguments = [word for line in conf for word in ("--conf", line)]
        if waldir is not None:
            self.arguments += ["--waldir", waldir]
        self.settings = {}
        self.folder = None

    def start(self):
        out = subprocess.run([*self.prefix, ROOT / "scripts/cluster", "start", *self.arguments], check=True, capture_output=True, text=True)
        self.settings = dict(line.split("=", 1) for line in out.stdout.splitlines() if "=" in line)
        self.folder = Path(self.settings["DIR"]) / "scratch"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.psql_file(ROOT / "config/setup.sql")
        self.sql(APP_SETUP)
        return self

    def stop(self):
        subprocess.run([*self.prefix, ROOT / "scripts/cluster", "stop", "--immediate", self.settings["DIR"]], check=True)

    @property
    def postmaster(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @property
    def data(self):
        return Path(self.settings["PGDATA"])

    def dsn(self, user, **more):
        parts = {"host": self.settings["PGHOST"], "port": self.settings["PGPORT"], "dbname": "postgres", "user": user}
        parts.update(more)
        return " ".join(f"{key}={value}" for key, value in parts.items())

    def sql(self, text):
        """Runs SQL as the superuser; returns the last result's rows."""
        connection = psycopg2.connect(self.dsn("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def psql_file(self, path):
        """Runs a script as a DBA would."""
        subprocess.run(["psql", "-q", "-d", self.dsn("postgres"), "-f", path], check=True)

    def pg_ctl(self, *arguments):
        command = [f"{self.settings['BINDIR']}/pg_ctl", "-D", self.settings["PGDATA"], *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def fifo(self, name):
        path = self.folder / name
        os.mkfifo(path)
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH)
        return path


# A loop that a terminate ends within 0.2 s: what spins on after its test takes a core from all the others.
SPIN = "SELECT count(public.py_spin(0.2)) FROM generate_series(1, 3000)"


class Session:
    """A client session whose statements run on a thread, so that they may hang."""

    def __init__(self, cluster, application_name, user="app", **more):
        self.cluster = cluster
        self.connection = psycopg2.connect(cluster.dsn(user, application_name=application_name, **more))
        self.connection.autocommit = True
        self.pid = self.connection.get_backend_pid()
        self.error = None
        self.thread = None

    def active(self):
        """Waits until the server says that the started statement runs."""
        query = f"SELECT 1 FROM pg_stat_activity WHERE pid = {self.pid} AND state = 'active'"
        wait_until(lambda: self.cluster.sql(query), what="the statement runs")
        return self

    def execute(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def start(self, sql):
        def run():
            try:
                self.execute(sql)
            except psycopg2.Error as error:
                self.error = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        return self

    def wait(self, timeout=20.0):
        self.thread.join(timeout)
        assert not self.thread.is_alive(), "the statement did not end"

    def close(self):
        if self.thread is None or not self.thread.is_alive():
            self.connection.close()


def release_fifo(path):
    """What the report advises: opens the other end without waiting, and closes it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        pass


def remove_folder(path):
    shutil.rmtree(path, ignore_errors=True)
