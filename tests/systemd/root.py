"""A Debian 12 root with systemd and PostgreSQL, made once (debootstrap) and kept for later runs."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("PGHANG_TEST_ROOT", "/var/cache/pghangd-test-root"))
MIRROR = os.environ.get("PGHANG_DEBIAN_MIRROR", "http://deb.debian.org/debian")

# Runs on the fresh root. No service may start: it is the host that it would start on.
RECIPE = """
set -e
printf '#!/bin/sh\\nexit 101\\n' > $root/usr/sbin/policy-rc.d
chmod 755 $root/usr/sbin/policy-rc.d
chroot $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql-15
rm $root/usr/sbin/policy-rc.d
rm -f $root/etc/machine-id
"""
DEBOOTSTRAP = ["debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv", "bookworm"]


def cached_root():
    """Path of the root; nothing ever changes in it. Errors: subprocess.CalledProcessError, with the log."""
    recipe = hashlib.sha256((RECIPE + " ".join(DEBOOTSTRAP)).encode()).hexdigest()[:12]
    root = CACHE / f"bookworm-{recipe}"
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    (CACHE / "archives/partial").mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another checkout may be making it
        if root.exists():
            return root
        work = CACHE / f"{root.name}.new"
        shutil.rmtree(work, ignore_errors=True)
        checked([*DEBOOTSTRAP, work, MIRROR])
        checked(["bash", "-c", RECIPE], env={**os.environ, "root": str(work)})
        work.rename(root)
    return root


def checked(command, **options):
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if answer.returncode != 0:
        print(answer.stdout[-4000:])
        answer.check_returncode()
    return answer.stdout
