"""PL/Python code that sleeps: Python restarts the sleep after every signal, and PostgreSQL is never asked."""

from zoo.hang import Target, hang
from zoo.stage import asleep, touch

BODY = """
import os, time
while not os.path.exists(release):
    time.sleep(1)
"""


@hang(
    title="PL/Python function that sleeps",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `clock_nanosleep` below 10 frames of the interpreter",
    pghangd_says="that PL/Python code sleeps and does not come back to PostgreSQL",
    cause="blocking_call",
    explanation="procedural_call",
)
def plpython_sleep(stage):
    release = stage.path("release")
    function = stage.function("plpython3u", BODY, "release text")
    stuck = stage.session().start(f"SELECT {function}('{release}')")
    try:
        asleep(stuck.pid, "nanosleep")
        yield Target(stuck.pid, says=("Python",))
    finally:
        touch(release)
