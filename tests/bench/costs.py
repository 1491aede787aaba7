"""What our own captures cost: cold and warm, by depth of the stack and by number of modules."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import peers
from table import percentile
from support.warm_sampler import ONE_LOOK

WARM_LOOKS = 50
DEPTHS = (10, 100, 1000, 5000)
GDB_DEPTH = 1000  # beyond, gdb takes a second of CPU for each thousand frames
MODULES = (0, 50, 200)
LIBRARY = "int pghang_bench(int x) { return x * 3 + 1; }\n"


def cold_and_warm(new_sampler, pid, postmaster, rounds):
    """[(what, CPU, wall)], medians in microseconds."""
    firsts, prewarmed, warm = [], [], []
    for _ in range(rounds):
        with new_sampler() as sampler:
            firsts += sampler.captures(pid, 1, ONE_LOOK)
            warm += sampler.captures(pid, WARM_LOOKS // rounds, ONE_LOOK)
        with new_sampler() as sampler:
            sampler.prewarm(postmaster)
            prewarmed += sampler.captures(pid, 1, ONE_LOOK)
    series = {"cold (first capture of a new sampler)": firsts, "first, prewarmed from the postmaster": prewarmed, "warm": warm}
    return [(what, median(looks, "cpu_us"), median(looks, "wall_us")) for what, looks in series.items()]


def of_the_stack_alone(program, pid, rounds=500):
    """CPU of mappings, capture, unwinding and names of one stack, median in microseconds, in a process that is warm."""
    out = subprocess.run([program, str(pid), str(rounds)], capture_output=True, text=True, timeout=60, check=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("all, us CPU"))
    return float(line.split()[line.split().index("p50") + 1])


def by_depth(runner, sampler, program, tools, rounds):
    """[(depth, tool, frames, complete, CPU, wall)]."""
    rows = []
    for depth in DEPTHS:
        with target(program, depth) as pid:
            rows += costs_of(runner, sampler, pid, depth, depth, tools, rounds)
    return rows


def by_modules(runner, sampler, program, folder, tools, rounds):
    """[(modules more, tool, frames, complete, CPU, wall)]; the first capture of each target is cold for its modules."""
    libraries = make_libraries(Path(folder), max(MODULES))
    rows = []
    for count in MODULES:
        with target(program, 10, libraries[:count]) as pid:
            first = sampler.captures(pid, 1, ONE_LOOK)[0]
            rows.append((count, "sampler, cold for them", first["frames"], first["complete"], first["cpu_us"], first["wall_us"]))
            rows += costs_of(runner, sampler, pid, count, 10, tools, rounds)
    return rows


def costs_of(runner, sampler, pid, key, depth, tools, rounds):
    sampler.captures(pid, 1, ONE_LOOK)
    looks = sampler.captures(pid, WARM_LOOKS, ONE_LOOK)
    rows = [(key, "sampler, warm", looks[-1]["frames"], looks[-1]["complete"], median(looks, "cpu_us"), median(looks, "wall_us"))]
    for tool in tools:
        if tool is peers.GDB and depth > GDB_DEPTH:
            continue
        runs = [runner.run(tool.command(pid), 60) for _ in range(1 if tool is peers.GDB else rounds)]
        frames = tool.frames(runs[-1].out)
        cpu, wall = (percentile([getattr(run, what) for run in runs], 50) for what in ("cpu", "wall"))
        rows.append((key, tool.name, len(frames), peers.complete(frames), cpu, wall))
    return rows


@contextmanager
def target(program, depth, libraries=()):
    process = subprocess.Popen([program, str(depth), *libraries], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().strip() == "ready"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def make_libraries(folder, count):
    """Small shared objects, each with a build id of its own: what they are cached by."""
    source, first = folder / "library.c", folder / "library.so"
    source.write_text(LIBRARY)
    mark = os.urandom(20)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", f"-Wl,--build-id=0x{mark.hex()}", "-o", first, source], check=True)
    code = first.read_bytes()
    assert code.count(mark) == 1
    paths = []
    for number in range(count):
        path = folder / f"library_{number}.so"
        path.write_bytes(code.replace(mark, number.to_bytes(4, "big") + mark[4:]))
        paths.append(path)
    return paths


def median(looks, key):
    return percentile([look[key] for look in looks], 50)


TOOLS_BESIDE = (peers.EU_STACK, peers.GDB)
