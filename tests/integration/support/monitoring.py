"""What pages: a real Prometheus and Alertmanager with the shipped files, and whom they page."""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "config/prometheus"


def missing_programs():
    """Why this cannot be run here; empty when it can."""
    missing = [name for name in ("prometheus", "prometheus-alertmanager") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(url, timeout=2):
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status == 200
    except OSError:
        return False


class Server:
    """One of the two as a child process with a folder of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=f"pghangd-{type(self).__name__.lower()}-", dir="/tmp"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def run(self, *command):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        wait_until(self._ready, 30, f"{command[0]} ready")
        return self

    def _ready(self):
        assert self.process.poll() is None, self.log()
        return answers(self.url + "/-/ready")

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def json(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        with urllib.request.urlopen(self.url + path + query, timeout=10) as answer:
            return json.load(answer)


class Alertmanager(Server):
    """With the shipped example, but quick, and its receivers at `receiver_url` + `/page` and `/ticket`."""

    def __init__(self, receiver_url, group_interval="2s"):
        super().__init__()
        config = yaml.safe_load((SHIPPED / "alertmanager.example.yaml").read_text())
        for route in [config["route"], *config["route"]["routes"]]:
            route.update(group_wait="2s", group_interval=group_interval)
        for receiver in config["receivers"]:
            for webhook in receiver["webhook_configs"]:
                webhook["url"] = receiver_url + urllib.parse.urlparse(webhook["url"]).path
        (self.folder / "alertmanager.yaml").write_text(yaml.safe_dump(config))

    def start(self):
        return self.run(
            "prometheus-alertmanager", f"--config.file={self.folder}/alertmanager.yaml", f"--storage.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=", "--log.level=warn",
        )

    def send(self, alerts):
        """As a Prometheus would."""
        body = json.dumps(alerts).encode()
        request = urllib.request.Request(self.url + "/api/v2/alerts", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()


class Prometheus(Server):
    """Scrapes these addresses as job `pghangd` with the shipped rules, or what `scrape` says."""

    def __init__(self, addresses=(), alertmanager=None, interval="1s", cluster="demo", scrape=None):
        super().__init__()
        config = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [str(SHIPPED / "alerts.yaml"), str(SHIPPED / "rules.yaml")],
            "scrape_configs": [scrape or {
                "job_name": "pghangd", "static_configs": [{"targets": list(addresses), "labels": {"cluster": cluster}}],
            }],
        }
        if alertmanager:
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]}
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump(config))

    def start(self):
        return self.run(
            "prometheus", f"--config.file={self.folder}/prometheus.yaml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
        )

    def query(self, expression):
        """The result vector of an instant query; a refused or doubtful expression fails."""
        answer = self.json("/api/v1/query", query=expression)
        assert answer["status"] == "success" and not answer.get("warnings"), answer
        return answer["data"]["result"]

    def value(self, expression):
        """Of the one sample; None when there is none."""
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def wait_scrapes(self, count):
        """That many more of pghangd."""

        def done():
            return self.value('count_over_time(up{job="pghangd"}[1h])')

        enough = (done() or 0) + count
        wait_until(lambda: (done() or 0) >= enough, 30, f"{count} more scrapes")

    def alerts(self):
        """Pending and firing."""
        return self.json("/api/v1/alerts")["data"]["alerts"]

    def firing(self):
        return [alert for alert in self.alerts() if alert["state"] == "firing"]


class Pager:
    """Takes what an Alertmanager's webhooks send: (path, message) in order."""

    def __init__(self):
        self.messages = []
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pager.messages.append((self.path, message))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def got(self, status, path="/page"):
        return [message for where, message in self.messages if where == path and message["status"] == status]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
