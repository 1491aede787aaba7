"""Names, source lines and inlined functions of an extension, frame by frame against gdb."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from support import extension, gdb, process
from support.cluster import remove_folder
from support.daemon import rule
from support.debuginfod import DebugServer
from support.waiting import wait_until

@pytest.fixture
def folder():
    """Where the server's user can read."""
    path = Path(tempfile.mkdtemp(prefix="pghang-ext-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    remove_folder(path)


@pytest.fixture
def installed():
    """Installs debug files by build id; removes them again."""
    if not os.access(extension.DEBUG_ROOT.parent, os.W_OK):
        pytest.skip("needs to write to /usr/lib/debug")
    files = []

    def install(library, debug_file):
        files.append(extension.InstalledDebugFile(library, debug_file))
        return files[-1].path

    yield install
    for file in files:
        file.remove()


@pytest.fixture
def asleep(cluster, session):
    """Backends inside functions of a library."""
    backends = []

    def start(library, function="sleep_in_c"):
        cluster.sql(f"CREATE OR REPLACE FUNCTION {function}(int) RETURNS int AS '{library}' LANGUAGE C STRICT")
        one = session()
        one.start(f"SELECT {function}(100)").active()
        wait_until(lambda: open(f"/proc/{one.pid}/syscall").read().split()[0] == "230", what="clock_nanosleep")
        backends.append(one)
        return one.pid

    yield start
    for one in backends:
        cluster.sql(f"SELECT pg_terminate_backend({one.pid})")  # nanosleep() ends with it
        one.wait()


@pytest.fixture
def diagnose(binaries):
    def run(pid, *arguments, **env):
        out = subprocess.run(
            [binaries / "pghangd", "diagnose", str(pid), *map(str, arguments)],
            capture_output=True, text=True, timeout=60, cwd="/", env={**os.environ, **env},
        )
        assert out.stdout, out.stderr
        return out.stdout

    return run


def frames_of(text):
    stack = json.loads(text)["stack"]
    assert stack["complete"], stack["stop_reason"]
    return stack["frames"]


def base(path):
    return path and path.rsplit("/", 1)[-1]


def bare(name):
    """Without parameters, and what a template returns."""
    return name and name.split("(")[0].split("<")[0].split(" ")[-1]


def assert_agree(pid, ours, theirs, library):
    """The same frames at the same positions. In the extension every name, file and line is gdb's; elsewhere every name
    that a symbol covers, and every line that gdb has."""
    assert len(ours) == len(theirs), (ours, theirs)
    compared = {"frames": len(ours), "names": 0, "lines": 0, "inlined": 0}
    for number, (mine, their) in enumerate(zip(ours, theirs)):
        if their["kind"] == "signal":
            assert mine["kind"] == "signal"
            continue
        assert mine["inlined"] == (their["kind"] == "inlined"), (number, mine, their)
        compared["inlined"] += mine["inlined"]
        assert int(mine["address"], 16) == their["address"] or mine["inlined"], (number, mine, their)
        if their["name"] is not None:
            covering = gdb.covering_names(pid, their["address"], is_return_address=number > 0)
            known = mine["module"] == str(library) and their["line"] is not None
            if known or mine["inlined"] or their["name"] in covering:
                name = bare(mine["demangled"] or mine["function"])
                assert name == bare(their["name"]) or (mine["exported"] and mine["function"] in covering), (number, mine, their)
                compared["names"] += 1
        if their["line"] is not None:
            assert (base(mine["file"]), mine["line"]) == (base(their["file"]), their["line"]), (number, mine, their)
            compared["lines"] += 1
    print(compared)
    return compared


def assert_agrees_with_gdb(pid, diagnose, library, *arguments, debuginfod=None, cache=None, **env):
    theirs = gdb.source_frames(pid, debuginfod, cache)
    plain = frames_of(diagnose(pid, "--json", *arguments, **env))
    inlined = frames_of(diagnose(pid, "--json", "--inlines", *arguments, **env))
    assert_agree(pid, plain, [frame for frame in theirs if frame["kind"] != "inlined"], library)
    return inlined, assert_agree(pid, inlined, theirs, library)


def own(frames, library):
    return [(bare(frame["demangled"] or frame["function"]), frame["inlined"], base(frame["file"])) for frame in frames if frame["module"] == str(library)]


EXPECTED = {
    "sleep_in_c": [("sleep_inlined", True, "sleepers.c"), ("sleep_below_static", False, "sleepers.c"), ("sleep_in_c", False, "sleepers.c")],
    "sleep_in_cpp": [
        ("sleeper::Bed::lie", False, "bed.cc"),
        ("sleeper::lie_in", True, "bed.cc"),
        ("pghang_lie_down", False, "bed.cc"),
        ("sleep_in_cpp", False, "sleepers.c"),
    ],
}


@pytest.mark.parametrize("function", EXPECTED)
def test_debug_information_in_the_library_itself(folder, asleep, diagnose, function):
    library = extension.build(folder, "inside")
    pid = asleep(library, function)
    inlined, compared = assert_agrees_with_gdb(pid, diagnose, library)
    assert own(inlined, library) == EXPECTED[function]
    assert compared["lines"] >= 4 and compared["inlined"] >= 1


@pytest.mark.parametrize("function", EXPECTED)
def test_a_separate_debug_file_by_build_id(folder, installed, asleep, diagnose, function):
    library = extension.build(folder, "by_build_id")
    installed(library, extension.split(library, folder / "elsewhere" / "debug"))
    shutil.rmtree(folder / "elsewhere")
    pid = asleep(library, function)
    inlined, _ = assert_agrees_with_gdb(pid, diagnose, library)
    assert own(inlined, library) == EXPECTED[function]


@pytest.mark.parametrize("place", ["", ".debug"])
def test_a_separate_debug_file_by_debug_link(folder, asleep, diagnose, place):
    library = extension.build(folder, "by_link", "-Wl,--build-id=none")
    debug_file = extension.split(library, folder / place / "by_link.debug")
    extension.link_to(library, debug_file)
    assert extension.build_id(library) is None
    pid = asleep(library)
    inlined, _ = assert_agrees_with_gdb(pid, diagnose, library)
    assert own(inlined, library) == EXPECTED["sleep_in_c"]


def test_a_debug_file_of_another_crc_is_not_taken(folder, asleep, diagnose):
    library = extension.build(folder, "other_crc", "-Wl,--build-id=none")
    debug_file = extension.split(library, folder / "other_crc.debug")
    extension.link_to(library, debug_file)
    with open(debug_file, "ab") as file:
        file.write(b"\0")
    pid = asleep(library)
    assert own(frames_of(diagnose(pid, "--json", "--inlines")), library) == [(None, False, None), ("sleep_in_c", False, None)]


def test_a_stripped_library_has_its_exported_names_and_the_same_fingerprint(folder, asleep, diagnose):
    stripped = extension.build(folder, "bare")
    extension.strip(stripped)
    full = extension.build(folder, "full")
    pid, other = asleep(stripped), asleep(full)
    theirs = [frame for frame in gdb.source_frames(pid) if frame["kind"] != "inlined"]
    plain = json.loads(diagnose(pid, "--json"))
    assert_agree(pid, plain["stack"]["frames"], theirs, stripped)
    assert own(plain["stack"]["frames"], stripped) == [(None, False, None), ("sleep_in_c", False, None)]
    for arguments in ([], ["--inlines"]):
        again = json.loads(diagnose(other, "--json", *arguments))
        assert again["fingerprint"]["stable"] == plain["fingerprint"]["stable"]
        assert again["fingerprint"]["text"] == plain["fingerprint"]["text"]
        assert again["verdict"]["cause"] == plain["verdict"]["cause"]


def test_the_report_shows_lines_and_replay_repeats_it(folder, asleep, diagnose, binaries):
    library = extension.build(folder, "shown")
    pid = asleep(library)
    bundle = folder / "bundle"
    text = diagnose(pid, "--inlines", "--save", bundle)
    lines = (extension.SOURCES / "sleepers.c").read_text().splitlines()
    call = next(number for number, line in enumerate(lines, 1) if "nanosleep(&left" in line)
    shown = next(line for line in text.splitlines() if " sleep_inlined " in line)
    assert shown.split()[1:] == ["sleep_inlined", "(inlined)", f"sleepers.c:{call}"]
    again = subprocess.run([binaries / "pghangd", "replay", bundle], capture_output=True, text=True)
    assert again.stdout == text
    # Without --inlines the function that it is inlined into shows where it calls it.
    caller = next(line for line in diagnose(pid).splitlines() if " sleep_below_static " in line)
    call = next(number for number, line in enumerate(lines, 1) if "= sleep_inlined(" in line)
    assert caller.endswith(f" sleepers.c:{call}")


@pytest.fixture
def server(folder):
    """A debuginfod server over folder/served."""
    one = DebugServer(folder / "served")
    yield one
    one.stop()


def test_debuginfod_is_asked_when_it_is_configured_and_only_then(folder, server, asleep, diagnose):
    library = extension.build(folder, "served")
    extension.split(library, folder / "served" / "served.debug")
    server.start(extension.build_id(library))
    pid = asleep(library)
    cache = folder / "cache"
    env = {"DEBUGINFOD_CACHE_PATH": str(cache), "DEBUGINFOD_URLS": server.url}
    assert own(frames_of(diagnose(pid, "--json", "--inlines", **env)), library) == [(None, False, None), ("sleep_in_c", False, None)]
    assert not cache.exists(), "the environment alone is no configuration"
    inlined, _ = assert_agrees_with_gdb(
        pid, diagnose, library, "--debuginfod", server.url, debuginfod=server.url, cache=folder / "gdb-cache", **env
    )
    assert own(inlined, library) == EXPECTED["sleep_in_c"]


SLEEPS_ON = [(None, "sleep_on_in_c"), ("sleep_on_below_static", "sleep_on_in_c")]


@pytest.fixture
def watched(folder, cluster, daemon, session, app_name):
    """A daemon with a debuginfod server, and a backend that no terminate ends for some seconds."""

    def start(library, url):
        cache = folder / "cache"
        cache.mkdir()
        cache.chmod(0o777)
        cluster.sql(f"CREATE OR REPLACE FUNCTION sleep_on_in_c(int) RETURNS int AS '{library}' LANGUAGE C STRICT")
        one = daemon(
            [rule("sleeps", app_name, query_age="200ms", grace="300ms")],
            extra=f'symbols:\n  debuginfod_urls: ["{url}"]\n  debuginfod_timeout: 3s\n',
            env={"DEBUGINFOD_CACHE_PATH": str(cache)},
        )
        backend = session()
        backend.start("SELECT sleep_on_in_c(15)")
        return one, backend

    return start


def names_in(incident, library):
    return tuple(frame["function"] for frame in incident["diagnosis"]["stack"]["frames"] if frame["module"] == str(library))


def test_a_debuginfod_server_that_never_answers_costs_the_daemon_nothing(folder, watched):
    library = extension.build(folder, "silent")
    extension.strip(library)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        one, backend = watched(library, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        incident = one.wait_incident(backend.pid, stage="unresponsive", diagnosed=True, timeout=20)
        assert names_in(incident, library) == SLEEPS_ON[0]
        silent.settimeout(10)
        silent.accept()[0].close()
        taken = one.metric("pghangd_captures_total")
        wait_until(lambda: one.metric("pghangd_captures_total") > taken + 2, timeout=10, what="captures meanwhile")
        wait_until(lambda: "pghangd-fetch" not in map(process.comm, one.family()), timeout=10, what="the download is given up")
        assert one.metric("pghangd_sampler_restarts_total") in (None, 0)
        assert not one.metric("pghangd_captures_total", result="timeout")
    backend.wait(30)


def test_the_daemon_names_what_was_downloaded_in_a_later_capture(folder, server, watched):
    library = extension.build(folder, "later")
    extension.split(library, folder / "served" / "later.debug")
    server.start(extension.build_id(library))
    one, backend = watched(library, server.url)
    wait_until(
        lambda: (incident := one.incident(backend.pid)) and incident["diagnosis"] and names_in(incident, library) == SLEEPS_ON[1],
        timeout=20, what="the name from the downloaded file",
    )
    backend.wait(30)


def test_the_daemon_knows_the_server_s_modules_before_any_capture(cluster, daemon, app_name):
    one = daemon([rule("nothing", app_name)], mode="observe")

    def maps_postgres():
        workers = [pid for pid in one.family() if process.comm(pid) == "pghangd-worker"]
        return any("bin/postgres\n" in Path(f"/proc/{pid}/maps").read_text() for pid in workers)

    wait_until(maps_postgres, what="the worker has mapped postgres")
    assert not one.metric("pghangd_captures_total")
