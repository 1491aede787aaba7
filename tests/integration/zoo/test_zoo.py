"""Each real hang is diagnosed as what it is, and left as it was found."""

import pytest
from support import process
from support.waiting import wait_until

from .hang import catalogue
from .stage import Stage
from .watch import diagnosis, mode, rules


@pytest.fixture
def stage(cluster, request):
    one = Stage(cluster, f"zoo-{request.node.callspec.params['hang'].name}")
    yield one
    one.close()


def named(verdict):
    return f"{verdict['cause']} / {verdict.get('explanation')}"


@pytest.mark.parametrize("hang", catalogue(), ids=lambda hang: hang.name)
def test_a_hang_is_diagnosed_as_what_it_is_and_left_as_found(hang, stage, daemon, confusion):
    for missing in filter(None, (ability() for ability in hang.needs)):
        pytest.skip(missing)
    expected = f"{hang.cause} / {hang.explanation}"
    with hang.made(stage) as target:
        pids = (target.pid, *target.also)
        assert process.state(target.pid) == hang.state, "the hang is not what it claims to be"
        pghangd = daemon(rules(hang, stage.application), mode=mode(hang), dsn=stage.cluster.dsn("pghangd"))
        incidents = [diagnosis(pghangd, hang, pid) for pid in pids]
        for incident in incidents:
            confusion.add(hang.name, expected, named(incident["diagnosis"]["verdict"]))
        for pid, incident in zip(pids, incidents):
            assert named(incident["diagnosis"]["verdict"]) == expected, incident["diagnosis"]["verdict"]
            assert process.alive(pid)
        verdict = incidents[0]["diagnosis"]["verdict"]
        for words in target.says:
            assert words in str(verdict), verdict
        wait_until(lambda: process.state(target.pid) == hang.state, timeout=3, every=0.01, what="the state it was found in")
        if hang.state != "t":
            assert process.tracer(target.pid) == 0
    for pid in pids:
        assert_freed(hang, pid)


def assert_freed(hang, pid):
    """Once the hang is undone, the backend serves the terminate that was pending, or goes on if it never got it."""
    if hang.survives or hang.action == "observe":
        wait_until(lambda: process.state(pid) in ("S", "R", None) and (process.state(pid) is None or process.tracer(pid) == 0), what=f"{pid} goes on")
    else:
        wait_until(lambda: not process.alive(pid), what=f"{pid} ends")
