"""A library puts its own handler in place of PostgreSQL's (PL/Python stands in for it): no flag is ever set."""

from zoo.hang import hang
from zoo.in_python import undone_by_file

BODY = """
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.signal.restype = ctypes.c_void_p
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
handler = ctypes.cast(libc.getpid, ctypes.c_void_p)
before = {number: libc.signal(number, handler) for number in (2, 15)}
while not os.path.exists(release):
    time.sleep(1)
for number, old in before.items():
    libc.signal(number, old)
"""


@hang(
    title="signal handlers replaced by an extension",
    terminate_says="`t`, and it is still there",
    pstack_does="shows the extension's frames, not that",
    pghangd_says="that the signal was delivered and PostgreSQL never saw it",
    cause="handler_replaced",
    explanation="handler_replaced",
    survives=True,
)
def handler_replaced(stage):
    with undone_by_file(stage, BODY) as target:
        yield target
