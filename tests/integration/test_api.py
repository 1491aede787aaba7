"""exporters/openapi.yaml against a real daemon: each path is asked, each answer has its form, each field is seen."""

import json
import re
import time
import urllib.error
import urllib.request

import pytest
import yaml
from support.cluster import release_fifo, remove_folder
from support.daemon import rule
from support.openapi import FILE, Openapi
from support.restart import state_directory
from support.waiting import wait_until
from support.without_sql import is_down, stage, target

# Fields that stay null here, and why; tests/docs/openapi_test.py sees them all in the exporters' golden files.
NOT_HERE = {
    r"Trace\..*|Traced(Call|Error)\..*|UnfinishedCall\..*|Diagnosis\.trace": "only of diagnose --trace: test_trace.py",
    r"Fd\.(backing|servers|fuse_connection|lock|members|events|local|remote|protocol|socket_state|queues)|Queues\..*":
        "the descriptor of this hang is a FIFO, on a disk: test_descriptors.py",
    r"Fd\.(detail|peers|block_device)|Peer\..*": "nobody has the other end of the FIFO; its folder may be on any file system",
    r"Syscall\.polled|WaitGraph\.cycle|Omitted\..*|Stack\.(omitted|stop_reason)": "it waits in openat(), no deadlock, and its stack is short and whole",
    r"Signature\..*|.*\.signature": "no known bug: test_signatures.py",
    r"Frame\.(demangled|file|line|recovered_by)": "no C++; nothing to recover; debug information only where it is installed",
    r"Process\.(tracer|children|pending_signals)|RelatedProcess\..*": "nobody traces it, it has no child, it took each signal",
    r"Diagnosis\.kernel_stack": "needs CAP_SYS_ADMIN",
    r"Target\.(other_daemon|not_local)|WaitNode\.host_pid": "one daemon, no container: test_protection.py, test_containers.py",
    r"Incident\.capture_error|Backend\.suppressed|(Planned)?Backend\.refused|AuditedSignal\.words": "nothing fails, is withheld or refused",
    r"Status\.web_config|WebConfig\..*": "no web configuration: test_web_config.py",
    r"(Planned)?Backend\.(exemption|protected_by|spared_for)": "nobody is exempt: test_protection.py",
    r"Activity\.(client_address|query_id|leader_pid)|DiagnosedBackend\.leader_pid": "the UNIX socket; compute_query_id is off; no parallel query",
    r"SentSignal\.(serviced|gone)_seconds|ServerProcess\.wait_event": "depends on the moment",
    r"Status\.revision": "null where the source came without its history",
}


@pytest.fixture
def state():
    folder = state_directory()
    yield folder
    remove_folder(folder)


def ask(daemon, path, method="GET", **headers):
    request = urllib.request.Request(daemon.url + path, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def has_its_form(document, answer, operation):
    """Status, type, headers and body are those that the operation documents."""
    status, headers, body = answer
    response = document.resolve(operation["responses"][str(status)])
    for name in response.get("headers", {}):
        assert headers[name] or name == "Link", (status, name)
    assert (headers["ETag"] is not None) == ("ETag" in response.get("headers", {}))
    if "content" not in response:
        assert body == "" and headers["Content-Type"] is None
        return
    kind = headers["Content-Type"].split(";")[0]
    schema = response["content"][kind]["schema"]
    if kind == "application/json":
        document.check(document.name(schema), json.loads(body))


def path_of(path, incident):
    ids = {
        "incidents": incident["id"], "fingerprints": incident["diagnosis"]["fingerprint"]["stable"],
        "runbooks": incident["diagnosis"]["verdict"]["cause"], "assets": "page.css",
    }
    return re.sub(r"(\w+)/\{\w+\}", lambda found: f"{found[1]}/{ids[found[1]]}", path)


def every_path_answers(document, daemon, incident):
    for path, method, operation in document.operations():
        if method != "get":
            continue
        url = path_of(path, incident)
        answer = ask(daemon, url)
        assert answer[0] == 200, (url, answer)
        has_its_form(document, answer, operation)
        if "304" in operation["responses"]:
            has_its_form(document, ask(daemon, url, If_None_Match="*"), operation)
        if "404" in operation["responses"]:
            missing = ask(daemon, re.sub(r"\{\w+\}", "none", path))
            assert missing[0] == 404
            has_its_form(document, missing, operation)
        if url.startswith("/api/"):
            status, _, body = answer = ask(daemon, url + "?nonsense=1")
            assert status == 400
            has_its_form(document, answer, operation)
            told = json.loads(body)["error"].split("; ")[1]
            names = set(re.findall(r"\w+", told.removeprefix("there is").removeprefix("there are").replace(" and ", " "))) - {"none"}
            assert names == set(document.parameters(operation)), (path, body)
            document.check("Error", json.loads(ask(daemon, url, "POST")[2]))


def values_that_are_refused_name_what_is_allowed(document, daemon):
    """Of each parameter with an enum: the error lists the very same values, and each of them is taken."""
    for path, method, operation in document.operations():
        for name, parameter in document.parameters(operation).items():
            allowed = document.resolve(parameter["schema"]).get("enum")
            if not allowed or "{id}" in path:
                continue
            status, _, body = ask(daemon, f"{path}?{name}=nonsense")
            assert status == 400
            told = json.loads(body)["error"].removeprefix(f"{name}: ").replace(" or ", ", ").split(", ")
            assert told == allowed, (path, name)
            for value in allowed:
                assert ask(daemon, f"{path}?{name}={value}")[0] == 200, (path, name, value)


def orders_are_answered(document, daemon):
    """Each POST, as it should be and as it should not; the status of a pause."""
    for path, method, operation in document.operations():
        if method != "post":
            continue
        query = {"/-/pause": "?for=1h&reason=disk+swap", "/-/reload": ""}.get(path, "")
        if "400" in operation["responses"]:
            assert ask(daemon, path + "?nonsense=1", "POST")[0] == 400
        answer = ask(daemon, path + query, "POST")
        assert answer[0] in (200, 202), (path, answer)
        has_its_form(document, answer, operation)
        if path == "/-/pause":
            status = daemon.json("/api/v1/status")
            document.check("Status", status)
            assert status["pause"]["paused"] and status["pause"]["reason"] == "disk swap"
    assert daemon.json("/api/v1/status")["pause"]["paused"] is False


def listed(daemon, query=""):
    return [one["pid"] for one in daemon.json("/api/v1/incidents" + query)["incidents"]]


def filters_let_through(daemon, incident, pids):
    verdict = incident["diagnosis"]["verdict"]
    common = {
        "state": ("open", "resolved"), "target": ("main", "other"), "rule": ("stuck", "other"), "database": ("postgres", "app"),
        "user": ("app", "postgres"), "cause": (verdict["cause"], "frozen"), "gate": (verdict["gate"], "exit"),
        "fingerprint": (incident["diagnosis"]["fingerprint"]["stable"], "0"), "since": ("1h", "2100-01-01T00:00:00Z"),
        "until": ("2100-01-01T00:00:00Z", "1h"),
    }
    for name, (true, false) in common.items():
        assert set(listed(daemon, f"?{name}={true}")) >= pids, name
        # Open incidents are open at any time to come.
        assert not pids & set(listed(daemon, f"?{name}={false}")) or name == "since", name
    backends = "/api/v1/backends?stage=unresponsive&exempt="
    assert {one["activity"]["pid"] for one in daemon.json(backends + "false&rule=stuck&target=main")["backends"]} >= pids
    assert daemon.json(backends + "true")["backends"] == []
    groups = daemon.json("/api/v1/fingerprints?sort=latest&target=main&cause=" + verdict["cause"])["fingerprints"]
    assert [one["id"] for one in groups] == [incident["diagnosis"]["fingerprint"]["stable"]]
    assert daemon.json("/api/v1/fingerprints?target=other")["fingerprints"] == []


def pages_are_whole_while_another_comes(daemon, arrive, pids):
    """The pages show each incident of before once, although one is opened after the first page."""
    status, headers, body = ask(daemon, "/api/v1/incidents?limit=1&target=main")
    seen = [one["pid"] for one in json.loads(body)["incidents"]]
    late = arrive()
    while headers["Link"]:
        status, headers, body = ask(daemon, "/api/v1/incidents" + re.fullmatch(r'<(\?\S+)>; rel="next"', headers["Link"])[1])
        assert status == 200
        seen += [one["pid"] for one in json.loads(body)["incidents"]]
    assert sorted(seen) == sorted(pids), (seen, pids)
    assert late in listed(daemon)


def test_every_path_and_field_is_as_documented(binaries, pghangd, app_name, state):
    document = Openapi()
    with stage(binaries) as here:
        fifo = here.own.fifo("api-fifo")
        stuck = [here.session(app_name).start(f"COPY t FROM '{fifo}'").active() for _ in range(3)]
        try:
            daemon = here.daemon([rule("stuck", app_name)], extra=f"store: {{file: {state}/pghangd.db}}\n")
            waiter = here.session("waiter", user="postgres")
            waiter.start("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE; COMMIT").active()
            for one in stuck:
                incident = daemon.wait_incident(one.pid, stage="unresponsive", diagnosed=True, timeout=30)
            incident = wait_until(lambda: (it := daemon.incident(stuck[0].pid))["wait_graph"] and it, what="the waiter is seen")

            every_path_answers(document, daemon, incident)
            values_that_are_refused_name_what_is_allowed(document, daemon)
            pids = {one.pid for one in stuck}
            filters_let_through(daemon, incident, pids)
            document.check("Incidents", daemon.json("/api/v1/incidents?limit=1"))
            plan = pghangd("plan", "--json", "--config.file", daemon.config)
            document.check("Plan", json.loads(plan.stdout))

            def arrive():
                late = here.session(app_name).start(f"COPY t FROM '{fifo}'").active()
                stuck.append(late)
                wait_until(lambda: late.pid in listed(daemon), what="its incident")
                return late.pid

            pages_are_whole_while_another_comes(daemon, arrive, pids)
            orders_are_answered(document, daemon)
            audit = pghangd("incidents", "audit", "--json", "--store", f"{state}/pghangd.db", capabilities=None)
            document.check("Audit", json.loads(audit.stdout))
        finally:
            release_fifo(fifo)
        over = daemon.wait_incident(stuck[0].pid, stage="resolved")
        document.check("Incident", over)
        path = f"/api/v1/incidents/{over['id']}"
        etag = ask(daemon, path)[1]["ETag"]
        time.sleep(1.2)
        status, headers, body = ask(daemon, path, If_None_Match=f'"other", W/{etag}')
        assert (status, headers["ETag"], body) == (304, etag, ""), "it changed although it is over"

        here.take_sql_away()
        is_down(daemon, "start_up_timeout")
        wait_until(lambda: target(daemon)["processes"] and target(daemon)["processes"]["list"], what="its processes are listed")
        status = daemon.json("/api/v1/status")
        document.check("Status", status)
        assert (status["targets_up"], status["incidents_kept"]) == (0, len(listed(daemon)))
        assert 0 < status["uptime_seconds"] < 600
        here.go_on()

    stale = [known for known in NOT_HERE if not any(re.fullmatch(known, field) for field in document.fields())]
    assert not stale, stale
    missing = {field for field in document.fields() - document.seen if not any(re.fullmatch(known, field) for known in NOT_HERE)}
    assert not missing, sorted(missing)


def test_the_description_that_is_served_is_the_file(daemon, app_name):
    status, _, body = ask(daemon([rule("stuck", app_name)]), "/api/v1/openapi.yaml")
    assert status == 200
    assert yaml.safe_load(body) == yaml.safe_load(FILE.read_text())
