"""A library sets SIGTERM and SIGINT to SIG_IGN (PL/Python stands in for it): the kernel drops them."""

from zoo.hang import hang
from zoo.in_python import undone_by_file

BODY = """
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.signal.restype = ctypes.c_void_p
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
SIG_IGN = 1
before = {number: libc.signal(number, SIG_IGN) for number in (2, 15)}
while not os.path.exists(release):
    time.sleep(1)
for number, handler in before.items():
    libc.signal(number, handler)
"""


@hang(
    title="signals ignored by an extension",
    terminate_says="`t`, and it is still there: the kernel drops the signal",
    pstack_does="shows the extension's frames, not that",
    pghangd_says="that the backend ignores SIGTERM, which PostgreSQL never asks for",
    cause="signal_ignored",
    explanation="ignored",
    survives=True,
)
def sigterm_ignored(stage):
    with undone_by_file(stage, BODY) as target:
        yield target
