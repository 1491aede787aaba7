"""A running pghangd, as an unprivileged user with exactly the capabilities of the unit."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from . import process
from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("PGHANG_BUILD", ROOT / "build/release"))
UNIT_CAPABILITIES = ("sys_ptrace", "dac_read_search", "sys_nice")


def as_user(capabilities, user="nobody", group="nogroup"):
    """The prefix of a command line that runs it as another user with these capabilities and no other."""
    given = "".join(f",+{name}" for name in capabilities)
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        f"--inh-caps=-all{given}",
        f"--ambient-caps=-all{given}",
        "--",
    ]


def install(folder):
    """The executables where another user can reach them; the checkout may be private to root."""
    folder = Path(folder)
    for source in (BUILD / "daemon/pghangd", BUILD / "collectors/sampler/pghangd-sampler"):
        shutil.copy(source, folder / source.name)
    for name in ("collectors/sampler/pghangd-sampler-hooked", "bench/sampler_driver", "bench/deep_target", "collectors/stack/stack_benchmark"):
        program = BUILD / "tests" / name
        if program.exists():  # the demo builds only what is installed
            shutil.copy(program, folder / program.name)
    folder.chmod(0o755)
    return folder


def rule(name, application_name, action="terminate", grace="700ms", **match):
    """A rule that matches the sessions of one test only."""
    criteria = {"state": "active", "query_age": "300ms", "application_name": application_name}
    criteria.update(match)
    lines = [f"  - name: {name}", "    match:"]
    lines += [f"      {key}: {json.dumps(value)}" for key, value in criteria.items() if value is not None]
    lines += [f"    action: {action}", f"    cancel_grace: {grace}", f"    terminate_grace: {grace}"]
    return "\n".join(lines)


class Daemon:
    """Starts, asks and stops one pghangd."""

    def __init__(self, binaries, folder, dsn, rules, mode="enforce", extra="", arguments=(), env=None, capabilities=UNIT_CAPABILITIES, prefix=(), listen=("127.0.0.1:0",)):
        self.prefix = list(prefix)
        self.listen = listen
        self.binaries = Path(binaries)
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.folder.chmod(0o755)
        self.config = self.folder / "pghangd.yaml"
        self.log_path = self.folder / "log"
        self.dsn = dsn
        self.arguments = list(arguments)
        self.env = env or {}
        self.capabilities = capabilities
        self.process = None
        self.url = None
        self.configure(rules, mode, extra)

    def configure(self, rules, mode="enforce", extra=""):
        text = f"mode: {mode}\ntargets:\n  - name: main\n    dsn: {json.dumps(self.dsn)}\n"
        text += "polling:\n  interval: 200ms\n  reconnect_max: 500ms\n" if "polling:" not in extra else ""
        text += "sampling:\n  repeat: 500ms\n" if "sampling:" not in extra else ""
        if "budget:" not in extra:
            text += "budget: {actions_per_minute: 100000, actions_per_hour: 100000, share_percent: 100, unresponsive: 100000}\n"
        text += "breaker: {jump: 100000}\n" if "breaker:" not in extra else ""
        text += "rules:\n" + "\n".join(rules) + "\n" + extra + "\n"
        self.config.write_text(text)
        self.config.chmod(0o644)

    def launch(self):
        """Starts it and waits for nothing: it may be made to die at once."""
        command = self.prefix + (as_user(self.capabilities) if os.geteuid() == 0 else [])
        command += [self.binaries / "pghangd", *self.arguments, "run", "--config.file", self.config]
        command += [word for address in self.listen for word in ("--web.listen-address", address)] + ["--web.enable-lifecycle"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env={**os.environ, **self.env}
            )
        return self

    def start(self):
        self.launch()
        self.url = wait_until(self._listening, what="listening").rstrip("/")
        return self

    def kill(self):
        """As the kernel's out-of-memory killer does; the keeper and its children end by themselves."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        """Starts it again, after stop() or kill()."""
        before = len(self.events("listening"))
        self.launch()
        wait_until(lambda: len(self.events("listening")) > before, what="listening again")
        self.url = self._listening().rstrip("/")
        return self.wait_ready()

    def reload(self):
        before = len(self.events("reloaded"))
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.events("reloaded")) > before, what="reloaded")

    def post(self, path, timeout=5):
        try:
            request = urllib.request.Request(self.url + path, data=b"", method="POST")
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _listening(self):
        assert self.process.poll() is None, self.log()
        found = re.findall(r"event=listening url=(\S+)", self.log())
        return found[-1] if found else None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def events(self, name, **fields):
        """Log lines of an event that hold these fields."""
        wanted = [f" {key}={value}" for key, value in fields.items()]
        return [
            line
            for line in self.log().splitlines()
            if re.search(rf"\bevent={name}\b", line) and all(re.search(re.escape(w) + r"(\s|$)", line) for w in wanted)
        ]

    def get(self, path, timeout=5):
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path):
        status, body = self.get(path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def metric(self, name, **labels):
        """Sum of the samples of a metric that carry these labels; None when there is none."""
        values = []
        for line in self.get("/metrics")[1].splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if not match or match[1] != name:
                continue
            have = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            if all(have.get(key) == value for key, value in labels.items()):
                values.append(float(match[3]))
        return sum(values) if values else None

    def incident(self, pid):
        """The newest incident of a backend, whole; None when there is none."""
        for summary in self.json("/api/v1/incidents")["incidents"]:
            if summary["pid"] == pid:
                return self.json(f"/api/v1/incidents/{summary['id']}")
        return None

    def wait_incident(self, pid, stage=None, diagnosed=False, outcome=None, timeout=15):
        def probe():
            incident = self.incident(pid)
            if incident is None:
                return None
            if stage and incident["stage"] != stage:
                return None
            if outcome and incident["outcome"] != outcome:
                return None
            if diagnosed and incident["diagnosis"] is None:
                return None
            return incident

        try:
            return wait_until(probe, timeout, f"incident of {pid} at stage={stage} outcome={outcome}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def wait_ready(self):
        wait_until(lambda: self.get("/-/ready")[0] == 200, what="ready")
        return self

    def keeper(self):
        return next((c for c in process.children(self.process.pid) if process.comm(c).startswith("pghangd-keeper")), None)

    def family(self):
        """pids of the keeper and everything below it."""
        found, todo = [], [self.process.pid]
        while todo:
            below = process.children(todo.pop())
            found += below
            todo += below
        return found

    def stop(self, timeout=5):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("SIGTERM did not end the daemon:\n" + self.log()) from None


def stages(incident):
    """The stages an incident went through, in order, each once."""
    seen = []
    for entry in incident["timeline"]:
        if not seen or seen[-1] != entry["stage"]:
            seen.append(entry["stage"])
    return seen
