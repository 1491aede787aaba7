"""The extension of the tests (tests/integration/extension), built with debug information, which is then kept, moved or
thrown away."""

import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "extension"
DEBUG_ROOT = Path("/usr/lib/debug")


def run(*words, cwd=None):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, cwd=cwd)


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return next((line.split()[-1] for line in notes.splitlines() if "Build ID" in line), None)


def build(folder, name, *link):
    """folder/name.so. The name is in it, so each has a build id of its own."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    include = subprocess.run(["pg_config", "--includedir-server"], capture_output=True, text=True, check=True).stdout.strip()
    flags = ["-O2", "-g", "-fPIC", "-Wall", "-Werror", "-fno-omit-frame-pointer"]
    run("cc", *flags, f"-I{include}", "-c", SOURCES / "sleepers.c", "-o", "sleepers.o", cwd=folder)
    run("c++", *flags, "-c", SOURCES / "bed.cc", "-o", "bed.o", cwd=folder)
    library = folder / f"{name}.so"
    run("c++", "-shared", f"-Wl,-soname,{name}.so", *link, "sleepers.o", "bed.o", "-o", library, cwd=folder)
    library.chmod(0o755)
    return library


def split(library, debug_file):
    """Moves the debug information of a library into a file of its own."""
    debug_file.parent.mkdir(parents=True, exist_ok=True)
    run("objcopy", "--only-keep-debug", library, debug_file)
    strip(library)
    debug_file.chmod(0o644)
    return debug_file


def strip(library):
    run("strip", "--strip-unneeded", library)


def link_to(library, debug_file):
    """Writes .gnu_debuglink, with the CRC of the debug file as it is now."""
    run("objcopy", f"--add-gnu-debuglink={debug_file.name}", library.resolve(), cwd=debug_file.parent)


class InstalledDebugFile:
    """A debug file below /usr/lib/debug, by build id, for as long as the test lasts."""

    def __init__(self, library, debug_file):
        identity = build_id(library)
        self.path = DEBUG_ROOT / ".build-id" / identity[:2] / f"{identity[2:]}.debug"
        self.made = [folder for folder in (self.path.parent, self.path.parent.parent) if not folder.exists()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(debug_file, self.path)
        self.path.chmod(0o644)

    def remove(self):
        self.path.unlink(missing_ok=True)
        for folder in self.made:
            folder.rmdir()
