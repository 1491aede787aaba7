"""Debian's pgbouncer in transaction mode before a cluster, with a few databases that have one server connection each."""

import os
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from .cluster import remove_folder
from .waiting import wait_until

USER = "postgres"  # neither of the two runs as root


class Pooler:
    """`lanes`: that many databases `lane0`, `lane1`, ..., all of them the cluster's `postgres` as its user `app`."""

    def __init__(self, cluster, lanes):
        self.folder = Path(tempfile.mkdtemp(prefix="pghangd-pool-", dir="/tmp"))
        server = f"host={cluster.settings['PGHOST']} port={cluster.settings['PGPORT']} dbname=postgres user=app pool_size=1"
        databases = "\n".join(f"lane{number} = {server}" for number in range(lanes))
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\n{databases}\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {self.folder}\nauth_type = any\n"
            f"pool_mode = transaction\nlogfile = {self.folder}/log\npidfile = {self.folder}/pid\nadmin_users = {USER}\n"
        )
        self.process = None

    def start(self):
        command = ["pgbouncer", "-q", str(self.folder / "pgbouncer.ini")]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", USER, self.folder], check=True)
            command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd="/")
        wait_until((self.folder / ".s.PGSQL.6432").exists, what="pgbouncer listens")
        return self

    def connect(self, lane, application_name):
        client = psycopg2.connect(host=str(self.folder), port=6432, dbname=f"lane{lane}", user="app", application_name=application_name)
        client.autocommit = True
        return client

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        remove_folder(self.folder)
