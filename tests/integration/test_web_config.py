"""TLS, client certificates, logins and public listeners, of a daemon that runs, with curl's, Python's and Prometheus' TLS."""

import base64
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from support.certificates import Authority
from support.cluster import remove_folder
from support.daemon import as_user, rule, UNIT_CAPABILITIES
from support.monitoring import Prometheus, missing_programs
from support.waiting import wait_until

# alice:sesame and bob:opensesame, by `htpasswd -nbBC 10`.
ALICE = "$2y$10$RtgVtHgYY/n76py42D3Edu7QfqSkK/luqb/WDCxfH3MlmLv4jraiW"
BOB = "$2y$10$MhZFwKgJoj/4ank4CUoqhexCIm43p/WqIo3y.GBVk9/cf.RU.Prje"
PATHS = ("/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/status", "/api/v1/backends", "/api/v1/incidents", "/api/v1/fingerprints")
PUBLIC = "198.51.100.7"


@pytest.fixture
def folder():
    """That the daemon's user reaches."""
    made = Path(tempfile.mkdtemp(prefix="pghangd-web-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    remove_folder(made)


def tls_section(name="server", **more):
    return {"cert_file": f"{name}.pem", "key_file": f"{name}.key", **more}


def write(folder, **sections):
    path = folder / "web.yml"
    path.write_text(yaml.safe_dump(sections))
    path.chmod(0o644)
    return path


def use(path, more=""):
    return f"web: {{config_file: {path}{more}}}"


class Client:
    """Asks one daemon over TLS."""

    def __init__(self, url, authority, certificate=None, user=None, versions=None):
        self.url = url
        self.context = ssl.create_default_context(cafile=authority.pem)
        if certificate:
            self.context.load_cert_chain(*certificate)
        if versions:
            self.context.set_ciphers("ALL:@SECLEVEL=0")
            self.context.minimum_version, self.context.maximum_version = versions
        self.headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()} if user else {}

    def get(self, path, method="GET", **headers):
        request = urllib.request.Request(self.url + path, method=method, headers={**self.headers, **headers})
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.context) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def status(self, path="/metrics"):
        return self.get(path)[0]

    def metric(self, name):
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics")[2], re.M)
        return found and float(found[1])

    def fails(self):
        """Whether there is no answer at all."""
        try:
            self.status()
        except (urllib.error.URLError, OSError):
            return True
        return False

    def serial(self):
        host, port = re.fullmatch(r"https://(.+):(\d+)", self.url).groups()
        with socket.create_connection((host, int(port)), timeout=10) as plain, self.context.wrap_socket(plain, server_hostname=host) as tls:
            return tls.getpeercert()["serialNumber"]


def running(daemon, config, app_name, more=""):
    one = daemon([rule("none", app_name)], wait=False, extra=use(config, more))
    one.url = wait_until(one._listening, what="listening").rstrip("/")
    return one


@pytest.mark.skipif(bool(missing_programs()), reason=missing_programs() or "-")
def test_prometheus_scrapes_with_a_certificate_and_a_password_and_not_without(daemon, folder, app_name):
    ours, foreign = Authority(folder), Authority(folder, "foreign")
    ours.issue("server")
    client, stranger = ours.issue("prometheus", "DNS:prometheus"), foreign.issue("stranger", "DNS:prometheus")
    other = ours.issue("other", "DNS:other")
    config = write(
        folder,
        tls_server_config=tls_section(client_auth_type="RequireAndVerifyClientCert", client_ca_file="ca.pem", client_allowed_sans=["prometheus"]),
        basic_auth_users={"alice": ALICE},
    )
    one = running(daemon, config, app_name)

    def job(name, certificate=client, password="sesame"):
        tls = {"ca_file": str(ours.pem)}
        if certificate:
            tls.update(cert_file=str(certificate[0]), key_file=str(certificate[1]))
        return {
            "job_name": name, "scheme": "https", "tls_config": tls, "basic_auth": {"username": "alice", "password": password},
            "static_configs": [{"targets": [one.url.removeprefix("https://")]}],
        }

    prometheus = Prometheus(scrape=job("pghangd"))
    try:
        path = prometheus.folder / "prometheus.yaml"
        whole = yaml.safe_load(path.read_text())
        whole["scrape_configs"] += [
            job("wrong_password", password="sesam"), job("no_certificate", None), job("foreign", stranger), job("other_name", other),
        ]
        path.write_text(yaml.safe_dump(whole))
        prometheus.start()
        prometheus.wait_scrapes(3)
        up = {sample["metric"]["job"]: sample["value"][1] for sample in prometheus.query("up")}
        assert up == {"pghangd": "1", "wrong_password": "0", "no_certificate": "0", "foreign": "0", "other_name": "0"}
        assert prometheus.value('pghangd_web_certificate_expiry_timestamp_seconds{job="pghangd"} - time()') > 86400
    finally:
        prometheus.stop()


def test_every_path_asks_for_the_login_and_speaks_tls_1_2_or_newer(daemon, folder, app_name):
    ours = Authority(folder)
    ours.issue("server")
    config = write(
        folder, tls_server_config=tls_section(), basic_auth_users={"alice": ALICE},
        http_server_config={"headers": {"Strict-Transport-Security": "max-age=60", "X-Frame-Options": "deny"}},
    )
    one = running(daemon, config, app_name)
    assert one.url.startswith("https://")
    anonymous, alice = Client(one.url, ours), Client(one.url, ours, user="alice:sesame")
    for path in (*PATHS, "/nowhere"):
        status, headers, _ = anonymous.get(path)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="pghangd", charset="UTF-8"'), path
    assert anonymous.get("/-/pause?for=1h", "POST")[0] == 401
    for user in ("alice:wrong", "mallory:sesame", "alice:", ":"):
        assert Client(one.url, ours, user=user).status() == 401, user
    wait_until(lambda: alice.status("/-/ready") == 200, what="ready")
    for path in PATHS:
        assert alice.status(path) == 200, path
    _, headers, body = alice.get("/metrics")
    assert (headers["Strict-Transport-Security"], headers["X-Frame-Options"]) == ("max-age=60", "deny")
    assert f'external_url="{one.url}"' in body

    versions = ssl.TLSVersion
    for accepted in (versions.TLSv1_2, versions.TLSv1_3):
        assert Client(one.url, ours, user="alice:sesame", versions=(accepted, accepted)).status() == 200
    with pytest.warns(DeprecationWarning):
        assert Client(one.url, ours, versions=(versions.TLSv1, versions.TLSv1_1)).fails()
    curl = subprocess.run(["curl", "-sS", "--cacert", ours.pem, "-u", "alice:sesame", one.url + "/-/healthy"], capture_output=True, text=True, timeout=20)
    assert curl.stdout == "pghangd is healthy.\n", curl.stderr
    with pytest.raises(urllib.error.HTTPError) as plain:
        urllib.request.urlopen(one.url.replace("https", "http") + "/metrics", timeout=10)
    assert plain.value.code == 400
    for secret in (ALICE, "sesame"):
        assert secret not in one.log()


def test_a_renewed_certificate_is_taken_up_and_a_broken_file_changes_nothing_until_it_is_mended(daemon, folder, app_name):
    ours = Authority(folder)
    ours.issue("server")
    config = write(folder, tls_server_config=tls_section(), basic_auth_users={"alice": ALICE})
    one = running(daemon, config, app_name)
    alice, bob = Client(one.url, ours, user="alice:sesame"), Client(one.url, ours, user="bob:opensesame")
    reloaded = "pghangd_web_config_last_reload_successful"
    first, expiry = alice.serial(), alice.metric("pghangd_web_certificate_expiry_timestamp_seconds")
    assert alice.metric(reloaded) == 1

    ours.issue("server", days=9)
    wait_until(lambda: alice.serial() != first, 20, "the renewed certificate")
    wait_until(lambda: alice.metric(reloaded) == 1, 20, "and its key")
    assert alice.metric("pghangd_web_certificate_expiry_timestamp_seconds") > expiry + 5 * 86400
    second = alice.serial()

    before = len(one.events("web_config_failed"))
    ours.issue("unrelated")[1].replace(folder / "server.key")
    wait_until(lambda: alice.metric(reloaded) == 0, 20, "the metric says so")
    assert alice.serial() == second
    status = alice.get("/api/v1/status")[2]
    assert "is not the key of the certificate" in status
    assert "is not the key of the certificate" in alice.get("/")[2]
    one.process.send_signal(signal.SIGHUP)
    wait_until(lambda: one.events("reloaded"), what="reloaded")
    assert len(one.events("web_config_failed")) == before + 1

    ours.issue("server")
    write(folder, tls_server_config=tls_section(), basic_auth_users={"bob": BOB})
    one.process.send_signal(signal.SIGHUP)
    wait_until(lambda: bob.status() == 200, 20, "mended, with another user")
    assert bob.metric(reloaded) == 1
    assert alice.status() == 401

    for less, why in (({}, "TLS is gone"), ({"tls_server_config": tls_section()}, "the login is gone")):
        write(folder, **less)
        wait_until(lambda: why in bob.get("/api/v1/status")[2], 20, why)
        assert bob.metric(reloaded) == 0 and alice.status() == 401


@pytest.fixture
def public():
    """An address that is not loopback, of this host alone."""
    if os.geteuid() != 0:
        pytest.skip("gives this host an address: needs root")
    subprocess.run(["ip", "addr", "replace", f"{PUBLIC}/32", "dev", "lo"], check=True)
    yield PUBLIC
    subprocess.run(["ip", "addr", "del", f"{PUBLIC}/32", "dev", "lo"], check=True)


def ask(url, path, method="GET", **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, method=method, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def urls(one):
    return [url.rstrip("/") for url in re.findall(r"event=listening url=(\S+)", one.log())]


def test_a_public_listener_without_login_shows_no_query_text_no_stack_and_changes_nothing(session, daemon, public, app_name, folder):
    marker = "public_listener_marker"
    stuck_rule = rule("stuck", app_name)
    one = daemon([stuck_rule], listen=(f"{public}:0", "127.0.0.1:0"))
    outside, inside = urls(one)
    stuck = session()
    stuck.start(f"SELECT py_sleep(15) AS {marker}").active()
    incident = one.wait_incident(stuck.pid, stage="unresponsive", diagnosed=True)
    paths = [*PATHS, f"/incidents/{incident['id']}", f"/api/v1/incidents/{incident['id']}", f"/api/v1/incidents/{incident['id']}?format=text"]
    fingerprint = incident["diagnosis"]["fingerprint"]["stable"]
    paths += [f"/fingerprints/{fingerprint}", f"/api/v1/fingerprints/{fingerprint}"]
    for path in paths:
        assert ask(inside, path)[0] == 200, path
    assert marker in ask(inside, "/")[1] and marker in ask(inside, "/api/v1/backends")[1]
    shown = {path: ask(outside, path) for path in paths}
    assert [path for path, (_, body) in shown.items() if marker in body] == []
    assert {path for path, (status, _) in shown.items() if status == 200} == {"/metrics", "/-/healthy", "/-/ready"}
    for path, (status, body) in shown.items():
        assert status == 200 or (status == 403 and "web.public_details: true" in body and body.count("\n") == 1), path
    assert ask(outside, "/-/pause?for=1h", "POST")[0] == 403
    assert one.metric("pghangd_paused") == 0

    # A page of another origin, in a browser on this host.
    assert ask(inside, "/-/pause?for=1h", "POST", Origin="https://evil.example.com")[0] == 403
    assert ask(inside, "/-/pause?for=1h", "POST", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(inside, "/", Host="evil.example.com")[0] == 403
    assert one.metric("pghangd_paused") == 0
    assert ask(inside, "/-/pause?for=1h", "POST")[0] in (200, 202)

    session().start(f"SELECT py_sleep(8) AS {marker}").active()
    open_to_all = daemon([stuck_rule], listen=(f"{public}:0", "127.0.0.1:0"), extra="web: {public_details: true}")
    outside = urls(open_to_all)[0]
    wait_until(lambda: marker in ask(outside, "/api/v1/backends")[1], what="shown to everybody")
    assert ask(outside, "/-/pause?for=1h", "POST")[0] == 403


def test_check_config_reads_it_and_its_certificates(pghangd, folder):
    ours = Authority(folder)
    ours.issue("server", days=90)
    config = write(folder, tls_server_config=tls_section(), basic_auth_users={"alice": ALICE})
    good = pghangd("check-config", "--web.config.file", config)
    assert (good.returncode, good.stdout) == (0, f"{config}: ok: TLS, client certificates NoClientCert, 1 user\n")
    main = folder / "pghangd.yaml"
    main.write_text(use(config))
    main.chmod(0o644)
    both = pghangd("check-config", main)
    assert both.returncode == 0 and good.stdout in both.stdout and f"{main}: ok: mode observe" in both.stdout

    ours.issue("server", days=10)
    soon = pghangd("check-config", "--web.config.file", config)
    assert soon.returncode == 0 and f"{config}:4: tls_server_config.cert_file: warning: {folder}/server.pem expires within 30 days: 2" in soon.stdout
    ours.issue("server", days=-1)
    expired = pghangd("check-config", "--web.config.file", config)
    assert expired.returncode == 0 and "server.pem expired 2" in expired.stdout

    ours.issue("other")[1].replace(folder / "server.key")
    write(folder, tls_server_config=tls_section(), basic_auth_users={"alice": "sesame"}, http_sever_config={})
    wrong = pghangd("check-config", main)
    assert wrong.returncode == 78 and wrong.stdout.splitlines()[1:] == [
        f"{config}:3: http_sever_config: unknown key; did you mean `http_server_config`?",
    ]
    write(folder, tls_server_config=tls_section(), basic_auth_users={"alice": "sesame"})
    hashless = pghangd("check-config", "--web.config.file", config)
    assert hashless.returncode == 78 and "basic_auth_users[0]: is no bcrypt hash" in hashless.stdout and "sesame" not in hashless.stdout
    write(folder, tls_server_config=tls_section())
    mismatch = pghangd("check-config", "--web.config.file", config)
    assert mismatch.returncode == 78
    problem = f"{config}:3: tls_server_config.key_file: {folder}/server.key is not the key of the certificate"
    assert mismatch.stdout.splitlines()[0] == problem

    start = pghangd("run", "--web.config.file", config, "--web.listen-address", "127.0.0.1:0")
    assert (start.returncode, start.stderr) == (78, problem + "\n")
    (folder / "server.key").chmod(0o600)
    if os.geteuid() == 0:
        unreadable = pghangd("run", "--web.config.file", config)
        assert unreadable.returncode == 78 and "server.key cannot be opened: Permission denied" in unreadable.stderr
    assert pghangd("check-config").returncode == 64


def test_systemds_socket_speaks_tls_too(binaries, cluster, folder):
    ours = Authority(folder)
    ours.issue("server")
    config = write(folder, tls_server_config=tls_section(), basic_auth_users={"alice": ALICE})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        prefix = as_user(UNIT_CAPABILITIES) if os.geteuid() == 0 else []
        handed = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{listener.fileno()}'
        command = [*prefix, binaries / "pghangd", "run", "--dsn", cluster.dsn("pghangd"), "--web.systemd-socket", "--web.config.file", config]
        run = subprocess.Popen(["bash", "-c", handed, "bash", *map(str, command)], pass_fds=[listener.fileno()], stderr=subprocess.PIPE, text=True, cwd="/")
        try:
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            alice = Client(url, ours, user="alice:sesame")
            wait_until(lambda: not alice.fails(), what="answers")
            assert alice.status("/-/healthy") == 200
            assert Client(url, ours).status("/-/healthy") == 401
        finally:
            run.terminate()
            run.communicate(timeout=10)
