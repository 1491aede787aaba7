"""A Debian that boots: a layer over the cached root, in memory, with systemd as its pid 1."""

import json
import subprocess
import time
from pathlib import Path

from root import CACHE, checked

ENVIRONMENT = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "TERM=dumb"]


def wait_until(probe, timeout=15.0, what="the condition", every=0.1):
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        last = probe()
        if last:
            return last
        time.sleep(every)
    raise AssertionError(f"{what} did not happen within {timeout} s; last seen: {last!r}")


class Machine:
    """All mounts are in the mount namespace of tests/systemd/run, so they end with it; the machine's processes end
    with systemd-nspawn, and that with us."""

    def __init__(self, work):
        self.work = Path(work)
        self.root = self.work / "root"
        self.nspawn = None
        self.leader = None

    def prepare(self, below):
        """A layer over the root `below`, which stays as it is."""
        layers = self.work / "layers"
        layers.mkdir()
        checked(["mount", "-t", "tmpfs", "-o", "mode=755,size=2g", "layers", layers])
        for name in ("upper", "work"):
            (layers / name).mkdir()
        self.root.mkdir()
        options = f"lowerdir={below},upperdir={layers}/upper,workdir={layers}/work"
        checked(["mount", "-t", "overlay", "-o", options, "overlay", self.root])

    def fetch(self, *packages, options=()):
        """Downloads what `apt-get install` of these will want, from outside: the machine has no network. Kept for later
        runs."""
        archives = self.root / "var/cache/apt/archives"
        checked(["mount", "--bind", CACHE / "archives", archives])
        download = ["chroot", self.root, *ENVIRONMENT, "apt-get", "install", "-y", "-q", *options, "--download-only", *packages]
        try:
            checked(download)
        except subprocess.CalledProcessError:  # lists of the cached root that have aged
            checked(["chroot", self.root, *ENVIRONMENT, "apt-get", "update", "-q"])
            checked(download)

    def boot(self):
        self.nspawn = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "systemd-nspawn", f"--directory={self.root}", "--boot", "--register=no", "--keep-unit",
             "--link-journal=no", "--private-network", "--machine=pghangd-test", "--quiet",
             "--system-call-filter=ptrace process_vm_readv perf_event_open @memlock"],
            stdin=subprocess.DEVNULL, stdout=open(self.work / "console", "wb"), stderr=subprocess.STDOUT,
        )
        self.leader = wait_until(self._leader, what="systemd started")
        wait_until(lambda: self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded"), 60, "the machine has booted")
        return self

    def _leader(self):
        assert self.nspawn.poll() is None, self.console()
        path = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        children = path.read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            return int(children[0])
        return None

    def console(self):
        return (self.work / "console").read_text(errors="replace")[-4000:]

    def command(self, *command, user="root"):
        prefix = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--", *ENVIRONMENT]
        if user != "root":
            prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        return [*prefix, *map(str, command)]

    def run(self, *command, user="root", check=True, timeout=60):
        """Its output, errors included."""
        answer = subprocess.run(
            self.command(*command, user=user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout
        )
        assert not check or answer.returncode == 0, f"{command}: exit {answer.returncode}\n{answer.stdout}"
        return answer.stdout

    def start(self, *command, user="root", stdin=subprocess.DEVNULL):
        return subprocess.Popen(self.command(*command, user=user), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def signal(self, name, *pids):
        self.run("sh", "-c", "kill " + " ".join(["-" + name, *map(str, pids)]))

    def sql(self, statement, database="postgres"):
        return self.run("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement, user="postgres").strip()

    def file(self, path):
        """Where a file of the machine is seen from here."""
        return self.root / str(path).lstrip("/")

    def show(self, name, unit="pghangd.service"):
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def status(self):
        return self.run("systemctl", "status", "--full", "--lines=20", "--no-pager", "pghangd.service", check=False)

    def journal(self, *matches):
        """Entries of the unit, oldest first, each a dictionary."""
        text = self.run("journalctl", "--unit=pghangd.service", "--output=json", "--no-pager", "--all", *matches)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def get(self, path, port=10187):
        """(status, text) of a page of the daemon; (0, why) when nobody answers."""
        script = (
            "import sys, urllib.request, urllib.error\n"
            "try:\n    r = urllib.request.urlopen(sys.argv[1], timeout=5); print(r.status); print(r.read().decode())\n"
            "except urllib.error.HTTPError as e: print(e.code); print(e.read().decode())\n"
            "except OSError as e: print(0); print(e)\n"
        )
        out = subprocess.run(
            ["nsenter", f"--target={self.leader}", "--net", "--", "/usr/bin/python3", "-c", script, f"http://127.0.0.1:{port}{path}"],
            capture_output=True, text=True, check=True, timeout=20,
        ).stdout
        status, _, body = out.partition("\n")
        return int(status), body

    def json(self, path):
        status, body = self.get(path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def incident(self, pid):
        """The newest incident of a backend, whole; None when there is none."""
        if self.get("/-/ready")[0] != 200:
            return None
        for summary in self.json("/api/v1/incidents")["incidents"]:
            if summary["pid"] == pid:
                return self.json(f"/api/v1/incidents/{summary['id']}")
        return None

    def processes(self, name="pghangd"):
        """{pid in the machine: (comm, status file)} of what runs the daemon's or the sampler's program."""
        listing = self.run("sh", "-c", f"for d in /proc/[0-9]*; do case $(cat $d/comm 2>/dev/null) in {name}*) echo $d;; esac; done")
        found = {}
        for folder in listing.split():
            status = self.run("cat", f"{folder}/status", check=False)
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            if fields:
                found[int(folder.removeprefix("/proc/"))] = {key: value.strip() for key, value in fields.items()}
        return found

    def power_off(self):
        if self.nspawn is None:
            return
        if self.nspawn.poll() is None and self.leader:
            subprocess.run(self.command("systemctl", "poweroff", "--no-block"), capture_output=True, timeout=20, check=False)
        try:
            self.nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()  # and the kernel kills its pid namespace
            self.nspawn.wait(10)
        checked(["umount", "--recursive", self.root])
        checked(["umount", self.work / "layers"])
