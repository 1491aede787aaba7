"""A file system of our own on a loop device, which can be frozen as a snapshot does."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .guard import Guard


class Disk:
    """ext4 in a file, mounted, writable for everybody."""

    def __init__(self, megabytes=96):
        self.home = Path(tempfile.mkdtemp(prefix="pghangd-disk-", dir="/tmp"))
        self.home.chmod(0o755)
        self.mount = self.home / "mnt"
        self.mount.mkdir()
        image = self.home / "image"
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        run("mount", "-o", "loop,noatime", image, self.mount)
        os.chmod(self.mount, 0o777)

    def folder(self, name):
        """A new folder that belongs to the server's user."""
        path = self.mount / name
        path.mkdir(mode=0o700)
        shutil.chown(path, "postgres", "postgres")
        return path

    @contextmanager
    def frozen(self, seconds=90):
        guard = Guard(f"fsfreeze --unfreeze {self.mount}", seconds)
        try:
            run("fsfreeze", "--freeze", self.mount)
            yield
        finally:
            guard.undo()

    def remove(self):
        """Lazily: a checkpointer may keep a removed file open. The loop device goes with the last of them."""
        run("umount", "--lazy", self.mount)
        for path in (self.home / "image", self.mount, self.home):
            path.rmdir() if path.is_dir() else path.unlink()


def run(*command):
    subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
