"""Each real hang is diagnosed as what it is, its stack is the one that gdb finds, and it is left as it was found."""

import os

import pytest
from support import process
from support.cluster import remove_folder
from support.waiting import wait_until

from .hang import catalogue
from .stage import Stage
from .watch import commands_diagnosis, daemon_for, daemons_incident
from .witness import Witness


@pytest.fixture
def stage(cluster, request):
    one = Stage(cluster, f"zoo-{request.node.callspec.params['hang'].name}")
    yield one
    one.close()


@pytest.fixture
def diagnose(stage, binaries):
    """What pghangd says of each of these backends; its daemon is gone again when the hang is undone."""
    started = []

    def run(hang, pids, **more):
        if hang.by == "command":
            return [commands_diagnosis(binaries, pid) for pid in pids]
        started.append(daemon_for(hang, stage, binaries, "/tmp", **more))
        started[0].start().wait_ready()
        return [daemons_incident(started[0], hang, pid)["diagnosis"] for pid in pids]

    yield run
    for daemon in started:
        daemon.stop()
        print(daemon.log())
        remove_folder(daemon.folder)


def cell(target, cause, explanation, root):
    """One cell of the confusion table. Names instead of numbers, so that two runs can be compared."""
    where = {target.root_id(): "the one that was made", f"pid:{target.pid}": "nobody", None: "nobody"}
    return f"{cause} / {explanation}, root {where.get(root, root)}"


def diagnosed(target, diagnosis):
    verdict, graph = diagnosis["verdict"], diagnosis.get("wait_graph")
    return cell(target, verdict["cause"], verdict.get("explanation"), graph["root"] if graph else None)


@pytest.mark.parametrize("hang", catalogue(), ids=lambda hang: hang.name)
def test_a_hang_is_diagnosed_as_what_it_is_and_left_as_found(hang, stage, diagnose, confusion, binaries, agreements):
    for missing in filter(None, (ability() for ability in hang.needs)):
        agreements.not_compared[hang.name] = missing
        pytest.skip(missing)
    stage.witness = Witness()
    with hang.made(stage) as target:
        pids = (target.pid, *target.also)
        wait_until(lambda: process.state(target.pid) == hang.state, timeout=5, what=f"{target.pid} in state {hang.state}, as the hang claims")
        expected = cell(target, hang.cause, hang.explanation, target.root_id())
        diagnoses = diagnose(hang, pids)
        for diagnosis in diagnoses:
            confusion.add(hang.name, expected, diagnosed(target, diagnosis))
        for diagnosis in diagnoses:
            assert diagnosed(target, diagnosis) == expected, diagnosis["verdict"]
        assert_named(target.says, diagnoses[0]["verdict"])
        assert_as_found(hang, target.pid)
        agreement = stage.witness.agrees(target.pid, lambda: commands_diagnosis(binaries, target.pid)["stack"])
        agreements.add(hang.name, stage.witness, agreement)
        assert_as_found(hang, target.pid)
    for pid in pids:
        assert_freed(hang, pid)


BLIND = [one for one in catalogue() if one.name in ("copy_from_fifo", "plpython_loop", "lwlock_holder_stopped")]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change user and capabilities")
@pytest.mark.parametrize("hang", BLIND, ids=lambda hang: hang.name)
def test_without_a_capability_the_cause_is_unknown_and_the_capability_is_named(hang, stage, diagnose, confusion):
    """And stays that: from state and stack alone the cause could be guessed, and is not."""
    with hang.made(stage) as target:
        diagnosis = diagnose(hang, [target.pid], capabilities=())[0]
        expected, verdict = "unknown / flags_missing", diagnosis["verdict"]
        confusion.add(f"{hang.name} (blind)", expected, f"{verdict['cause']} / {verdict['explanation']}")
        assert f"{verdict['cause']} / {verdict['explanation']}" == expected, verdict
        assert "CAP_SYS_PTRACE" in {entry["evidence"]: entry["needs"] for entry in diagnosis["missing"]}["interrupts"]
        assert_as_found(hang, target.pid)


def assert_named(words, verdict):
    told = " ".join([verdict["summary"], verdict["detail"], *(step["step"] for step in verdict["release"])])
    for word in words:
        assert word in told, told


def assert_as_found(hang, pid):
    """A backend that runs is held for moments, again and again: it must be seen free, not at every instant."""

    def probe():
        return process.state(pid) == hang.state and (process.tracer(pid) == 0) == (hang.state != "t")

    wait_until(probe, timeout=3, every=0.01, what=f"{pid} in state {hang.state}, as it was found")


def assert_freed(hang, pid):
    """Once the hang is undone, the backend serves the terminate that was pending, or goes on if it never got it."""
    if hang.survives or hang.action == "observe":
        wait_until(lambda: process.state(pid) in ("S", "R", None) and (process.state(pid) is None or process.tracer(pid) == 0), what=f"{pid} goes on")
    else:
        wait_until(lambda: not process.alive(pid), what=f"{pid} ends")
