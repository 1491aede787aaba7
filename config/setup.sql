-- setup.sql: the role that pghangd connects with. PostgreSQL 10 or newer.
--
--   sudo -u postgres psql -f setup.sql
--
-- Safe to run again: it creates what is missing and sets the rest back to what is written here. On
-- a cluster with standbys run it on the primary; the role is replicated.
--
-- The role is no superuser, owns nothing, and may only see activity (pg_monitor) and signal
-- backends of roles that are not superusers (pg_signal_backend). For mode `observe` you may leave
-- pg_signal_backend out.
--
-- How it logs in, one of:
--
--   peer      no password. pghangd runs as the operating system user `pghangd` and connects over
--             the UNIX socket. In pg_hba.conf, above other lines for `local`:
--                 local   postgres   pghangd   peer
--             then `SELECT pg_reload_conf()`. In pghangd.yaml: dsn: user=pghangd dbname=postgres
--
--   password  In psql, so that it appears neither in a log nor in a history:  \password pghangd
--             In pg_hba.conf:
--                 host    postgres   pghangd   127.0.0.1/32   scram-sha-256
--             In pghangd.yaml: dsn: host=127.0.0.1 user=pghangd dbname=postgres, and password_file.

\set ON_ERROR_STOP on

BEGIN;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pghangd') THEN
    CREATE ROLE pghangd;
  END IF;
END
$$;

-- pghangd uses one connection; the others are for `pghangd plan`, and for an old connection that
-- the server has not noticed the end of. INHERIT: it uses what is granted without SET ROLE.
ALTER ROLE pghangd WITH
  LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT 3;

GRANT pg_monitor, pg_signal_backend TO pghangd;

-- When max_connections is exhausted pghangd is needed most: one of the slots that
-- reserved_connections keeps free is for it (16 or newer; 0 of them by default).
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pg_use_reserved_connections') THEN
    GRANT pg_use_reserved_connections TO pghangd;
  END IF;
END
$$;

-- Whatever goes wrong on our side, the server lets go of it. pghangd sets stricter ones itself.
ALTER ROLE pghangd SET statement_timeout = '10s';
ALTER ROLE pghangd SET lock_timeout = '1s';
ALTER ROLE pghangd SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE pghangd SET default_transaction_read_only = on;
-- Nobody else's functions or operators.
ALTER ROLE pghangd SET search_path = pg_catalog, pg_temp;
-- No parallel workers: the poll is small and frequent.
ALTER ROLE pghangd SET max_parallel_workers_per_gather = 0;

COMMENT ON ROLE pghangd IS 'pghangd: watches for stuck backends, cancels and terminates them by rule';

COMMIT;
