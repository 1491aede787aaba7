"""Every query of the Grafana dashboard is asked of a real Prometheus that scrapes a pghangd with a hang."""

import json
import re

import pytest
from support.cluster import release_fifo
from support.daemon import ROOT, rule
from support.monitoring import Prometheus, missing_programs
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())
DASHBOARD = json.loads((ROOT / "config/grafana/pghangd.json").read_text())
# What a healthy server with one hang does not show: they are asked, and may answer with nothing.
NOTHING_TO_SHOW = {"Known bugs", "Polls that failed"}
EVERY = {"$cluster": ".*", "$instance": ".*", "$target": ".*", "$__rate_interval": "20s"}


def queries():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def asked(expression, values=EVERY):
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


@pytest.fixture
def prometheus(cluster, session, daemon, app_name):
    """One that has seen a hang, a cancel that helped, and a match that nothing is sent to."""
    fifo = cluster.fifo("dashboard-fifo")
    pghangd = daemon([
        rule("stuck", app_name),
        rule("watched", app_name + "-watched", action="observe"),
    ])
    server = Prometheus([pghangd.url.removeprefix("http://")])
    try:
        server.start()
        wait_until(lambda: server.value("pghangd_up") == 1, what="the first scrape")
        stuck, slow = session(), session()
        watched = session(application_name=app_name + "-watched")
        stuck.start(f"COPY t FROM '{fifo}'")
        slow.start("SELECT pg_sleep(60)")
        watched.start("SELECT pg_sleep(60)")
        pghangd.wait_incident(stuck.pid, stage="unresponsive", diagnosed=True, timeout=30)
        slow.wait()
        wait_until(lambda: server.value("pghangd_fingerprint_backends{cause='blocking_call'}"), 20, "the hang is scraped")
        server.wait_scrapes(3)
        yield server
        cluster.sql(f"SELECT pg_terminate_backend({watched.pid})")
    finally:
        release_fifo(fifo)
        server.stop()
    stuck.wait()
    watched.wait()
    fifo.unlink()


def test_every_query_is_understood_and_shows_what_there_is(prometheus):
    empty = {title for title, expression in queries() if not prometheus.query(asked(expression))}
    assert empty == NOTHING_TO_SHOW
    shown = dict(queries())
    assert prometheus.value(asked(shown["Hung"])) == 1
    assert prometheus.value(asked(shown["Servers not answering"])) == 0
    line = prometheus.query(asked(shown["What hangs now"]))[0]["metric"]
    assert line["cause"] == "blocking_call" and "AllocateFile" in line["text"] and line["external_url"].startswith("http://127")

    nobody = {**EVERY, "$instance": "nobody"}
    for title, expression in queries():
        values = [float(sample["value"][1]) for sample in prometheus.query(asked(expression, nobody))]
        assert not any(values), f"{title} shows hosts that are not selected"

    for variable in DASHBOARD["templating"]["list"][1:]:
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
        assert all(sample["metric"][label] for sample in prometheus.query(asked(selector))), variable["name"]
