"""A library blocks SIGINT and SIGTERM in the backend (PL/Python stands in for it): they stay pending."""

from zoo.hang import hang
from zoo.in_python import undone_by_file

BODY = """
import os, signal, time
masked = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, masked)
while not os.path.exists(release):
    time.sleep(1)
signal.pthread_sigmask(signal.SIG_UNBLOCK, masked)
"""


@hang(
    title="signals masked by an extension",
    terminate_says="`t`, and it is still there",
    pstack_does="shows the extension's frames, not the mask",
    pghangd_says="that SIGTERM is pending and blocked by the signal mask",
    cause="signals_blocked",
    explanation="blocked",
)
def sigterm_masked(stage):
    with undone_by_file(stage, BODY) as target:
        yield target
