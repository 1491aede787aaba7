"""A query that PostgreSQL runs with two parallel workers, slowly."""

SETTINGS = """
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
"""

QUERY = "SELECT count(*) FROM parallel_t WHERE length(pg_sleep(0.01)::text) = 0 AND n > 0"


def parallel_table(cluster):
    cluster.sql(
        "CREATE TABLE IF NOT EXISTS public.parallel_t AS SELECT n FROM generate_series(1, 60000) AS n;"
        "GRANT SELECT ON public.parallel_t TO app; ANALYZE public.parallel_t"
    )


def worker_of(cluster, leader):
    rows = cluster.sql(f"SELECT pid FROM pg_stat_activity WHERE leader_pid = {leader} AND pid <> {leader} AND state = 'active'")
    return rows[0][0] if rows else None
