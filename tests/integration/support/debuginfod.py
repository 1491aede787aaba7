"""A debuginfod server on the loopback interface."""

import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from .waiting import wait_until


class DebugServer:
    """Serves the debug files of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self, build_id):
        """Waits until it has scanned the file of this build id."""
        if not shutil.which("debuginfod"):
            pytest.skip("needs debuginfod (package debuginfod)")
        env = {key: value for key, value in os.environ.items() if not key.startswith("DEBUGINFOD")}
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            ["debuginfod", "-F", "-d", ":memory:", "-p", str(self.port), "-t", "1", str(self.folder)], stdout=log, stderr=log, env=env, cwd="/"
        )
        log.close()
        wait_until(lambda: self.has(build_id), timeout=30, what="debuginfod has scanned")

    def has(self, build_id):
        try:
            with urllib.request.urlopen(f"{self.url}buildid/{build_id}/debuginfo", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
