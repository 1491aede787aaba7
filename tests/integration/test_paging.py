"""From a backend that hangs to the page that somebody gets, with the shipped alerts and the real programs between."""

import urllib.request

import pytest
from support.cluster import release_fifo
from support.daemon import rule
from support.monitoring import Alertmanager, Pager, Prometheus, missing_programs
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=missing_programs())
BACKENDS = 3
VICTIMS = 200


@pytest.fixture
def pager():
    one = Pager()
    yield one
    one.stop()


@pytest.fixture
def started():
    """Starts servers; stops them, the last one first."""
    running = []

    def start(server):
        running.append(server)
        return server.start()

    yield start
    for one in reversed(running):
        print(one.log())
        one.stop()


def text_of(alert):
    return " ".join(alert["annotations"].values())


def test_a_hang_is_one_page_that_says_what_it_is_and_leads_to_its_evidence(cluster, session, daemon, app_name, pager, started):
    fifo = cluster.fifo("paging-fifo")
    stuck = [session() for _ in range(BACKENDS)]
    pghangd = daemon([rule("stuck", app_name)])
    alertmanager = started(Alertmanager(pager.url))
    prometheus = started(Prometheus([pghangd.url.removeprefix("http://")], alertmanager))
    try:
        for one in stuck:
            one.start(f"COPY t FROM '{fifo}'")
        incidents = [pghangd.wait_incident(one.pid, stage="unresponsive", diagnosed=True, timeout=30) for one in stuck]
        fingerprint = incidents[0]["diagnosis"]["fingerprint"]["stable"]
        wait_until(lambda: pager.got("firing"), 60, "a page")
        prometheus.wait_scrapes(4)
        assert len(prometheus.alerts()) == 1, "nothing else is pending either"
        assert len(pager.messages) == 1, pager.messages
        page = pager.got("firing")[0]
        assert page["groupLabels"] == {"fingerprint": fingerprint}
        assert len(page["alerts"]) == 1, page["alerts"]
        alert = page["alerts"][0]
        assert alert["labels"]["alertname"] == "PghangdBackendUnkillable"
        assert alert["labels"]["cluster"] == "demo"
        link = alert["annotations"]["link"]
        for word in ("blocking_call", fingerprint, f"{BACKENDS} backend(s) of main", link):
            assert word in text_of(alert), (word, alert)
        assert link == f"{pghangd.url}/fingerprints/{fingerprint}"
        with urllib.request.urlopen(link, timeout=5) as answer:
            assert answer.status == 200
            shown = answer.read().decode()
        assert f"<b>{BACKENDS}</b> open now" in shown and "blocking_call" in shown and str(fifo) in shown
        with urllib.request.urlopen(alert["annotations"]["runbook_url"], timeout=5) as answer:
            assert "<h1>blocking_call</h1>" in answer.read().decode()
        status, shown = pghangd.get(f"/incidents/{incidents[0]['id']}")
        assert status == 200 and fingerprint in shown
    finally:
        release_fifo(fifo)
    for one in stuck:
        one.wait()
    fifo.unlink()
    ended = wait_until(lambda: pager.got("resolved"), 30, "the message that it is over")
    assert [alert["labels"]["fingerprint"] for alert in ended[0]["alerts"]] == [fingerprint]
    assert len(pager.got("firing")) == 1, pager.messages


def test_two_hundred_hosts_with_the_same_hang_are_one_page(pager, started):
    alertmanager = started(Alertmanager(pager.url, group_interval="60s"))
    alertmanager.send([
        {
            "labels": {
                "alertname": "PghangdBackendUnkillable", "severity": "critical", "job": "pghangd", "target": "main",
                "instance": f"db{number}:10187", "fingerprint": "3306c2889f27d0e8", "cause": "blocking_call",
            },
            "annotations": {"summary": f"db{number}"},
        }
        for number in range(VICTIMS)
    ])
    page = wait_until(lambda: pager.got("firing"), 20, "a page")
    assert len(page) == 1 and len(page[0]["alerts"]) == VICTIMS
    assert not pager.got("firing", "/ticket")


def test_what_waits_for_a_hung_disk_is_not_paged_beside_it(pager, started):
    alertmanager = started(Alertmanager(pager.url))
    place = {"severity": "critical", "job": "pghangd", "instance": "db1:10187", "target": "main"}
    alertmanager.send([{"labels": {"alertname": "PghangdStorageHang", "fingerprint": "f1", "cause": "uninterruptible_io", **place}}])
    wait_until(lambda: pager.got("firing"), 20, "the page for the disk")
    alertmanager.send([
        {"labels": {"alertname": "PghangdBackendUnkillable", "fingerprint": "f2", "cause": "lwlock_wait", **place}},
        {"labels": {"alertname": "PghangdBackendUnkillable", "fingerprint": "f3", "cause": "blocking_call", **place}},
    ])
    wait_until(lambda: len(pager.got("firing")) == 2, 20, "the page for what has another cause")
    assert [message["groupLabels"]["fingerprint"] for message in pager.got("firing")] == ["f1", "f3"]
