"""A backend that cannot be terminated: COPY from a FIFO that nobody writes to."""

from machine import wait_until

FIFO = "/var/lib/postgresql/fifo"


class Hang:
    def __init__(self, machine):
        self.machine = machine
        self.client = None
        self.pid = None

    def __enter__(self):
        self.machine.run("rm", "-f", FIFO)
        self.machine.run("mkfifo", "-m", "666", FIFO)
        self.machine.run("chown", "postgres:postgres", FIFO)
        self.client = self.machine.start("psql", "-X", "-U", "app", "-d", "postgres", "-c", f"COPY t FROM '{FIFO}'", user="postgres")
        query = "SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'"
        self.pid = int(wait_until(lambda: self.machine.sql(query), what="the backend hangs"))
        return self

    def __exit__(self, *_):
        self.release()

    def release(self):
        if self.client is None:
            return
        self.machine.run("timeout", "5", "tee", "-a", FIFO, check=False)  # opens its other end
        try:
            self.client.communicate(timeout=10)
        finally:
            self.client.kill()
            self.client = None

    def unresponsive(self):
        """Its incident, once it is explained."""

        def probe():
            incident = self.machine.incident(self.pid)
            return incident if incident and incident["stage"] == "unresponsive" and incident["diagnosis"] else None

        return wait_until(probe, 20, f"backend {self.pid} is unresponsive and explained")
