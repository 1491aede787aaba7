"""PL/Python code that computes: nothing in the interpreter looks at PostgreSQL's interrupts."""

from support import process
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import touch

BODY = """
import os
while not os.path.exists(release):
    for n in range(3000000):
        pass
"""


@hang(
    title="PL/Python function in a loop",
    terminate_says="`t`, and it is still there, at 100 % CPU",
    pstack_does="stops it for 0.3 s (gdb) to show `_PyEval_EvalFrameDefault`",
    pghangd_says="that PL/Python code computes and does not come back to PostgreSQL; holds it for microseconds",
    cause="spinning",
    explanation="procedural_loop",
    state="R",
)
def plpython_loop(stage):
    release = stage.path("release")
    function = stage.function("plpython3u", BODY, "release text")
    stuck = stage.session().start(f"SELECT {function}('{release}')")
    try:
        wait_until(lambda: process.state(stuck.pid) == "R", what="the loop")
        yield Target(stuck.pid, says=("Python",))
    finally:
        touch(release)
