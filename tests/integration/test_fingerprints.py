"""The same hang is one fingerprint, however many backends it has."""

from support.cluster import release_fifo
from support.daemon import rule
from support.waiting import wait_until

BACKENDS = 10


def test_the_same_hang_on_ten_backends_is_one_fingerprint_with_count_ten(cluster, session, daemon, app_name):
    fifo = cluster.fifo("fingerprint-fifo")
    stuck = [session() for _ in range(BACKENDS)]
    try:
        for one in stuck:
            one.start(f"COPY t FROM '{fifo}'")
        pghangd = daemon([rule("stuck", app_name)])
        for one in stuck:
            pghangd.wait_incident(one.pid, stage="unresponsive", diagnosed=True, timeout=30)

        def counted():
            return pghangd.metric("pghangd_fingerprint_backends", cause="blocking_call") == BACKENDS

        wait_until(counted, what="ten backends counted")
        samples = [line for line in pghangd.get("/metrics")[1].splitlines() if line.startswith("pghangd_fingerprint_backends{")]
        assert len(samples) == 1, samples
        known = pghangd.json("/api/v1/fingerprints")["fingerprints"]
        assert [one["backends"] for one in known] == [BACKENDS], known
    finally:
        release_fifo(fifo)
    for one in stuck:
        one.wait()
    fifo.unlink()
