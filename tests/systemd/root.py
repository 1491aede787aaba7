"""Debian 12 roots with systemd, made once (debootstrap) and kept for later runs: a bare one, and one with PostgreSQL."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("PGHANG_TEST_ROOT", "/var/cache/pghangd-test-root"))
MIRROR = os.environ.get("PGHANG_DEBIAN_MIRROR", "http://deb.debian.org/debian")

# Nothing of it is pghangd's business but sudo, which README takes for granted.
BARE = """
debootstrap --variant=minbase --include=systemd,systemd-sysv,sudo bookworm $root $mirror
rm -f $root/etc/machine-id
"""
# No service may start: it is the host that it would start on.
WITH_POSTGRESQL = """
cp -a $bare/. $root
printf '#!/bin/sh\\nexit 101\\n' > $root/usr/sbin/policy-rc.d
chmod 755 $root/usr/sbin/policy-rc.d
chroot $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql-15
rm $root/usr/sbin/policy-rc.d
"""


def bare_root():
    """Path of the root; nothing ever changes in it. Errors: subprocess.CalledProcessError, with the log."""
    return _cached("bare", BARE, BARE)


def root_with_postgresql():
    return _cached("postgresql", BARE + WITH_POSTGRESQL, WITH_POSTGRESQL, bare=bare_root())


def _cached(name, content, recipe, **parts):
    root = CACHE / f"bookworm-{name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    (CACHE / "archives/partial").mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"lock-{name}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another checkout may be making it
        if root.exists():
            return root
        work = CACHE / f"{root.name}.new"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o755)
        variables = {key: str(value) for key, value in {"root": work, "mirror": MIRROR, **parts}.items()}
        checked(["bash", "-ec", recipe], env={**os.environ, **variables})
        work.rename(root)
    return root


def checked(command, **options):
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if answer.returncode != 0:
        print(answer.stdout[-4000:])
        answer.check_returncode()
    return answer.stdout
