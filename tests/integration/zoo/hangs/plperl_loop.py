"""PL/Perl code that computes: the interpreter never looks at PostgreSQL's interrupts."""

from support import process
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import touch

BODY = """
until (-e $_[0]) { my $sum = 0; for my $n (0 .. 3000000) { $sum += $n } }
"""


@hang(
    title="PL/Perl function in a loop",
    terminate_says="`t`, and it is still there, at 100 % CPU",
    pstack_does="stops it for 0.3 s (gdb) to show `Perl_runops_standard`",
    pghangd_says="that PL/Perl code computes and does not come back to PostgreSQL; holds it for microseconds",
    cause="spinning",
    explanation="procedural_loop",
    state="R",
)
def plperl_loop(stage):
    release = stage.path("release")
    function = stage.function("plperlu", BODY, "text")
    stuck = stage.session().start(f"SELECT {function}('{release}')")
    try:
        wait_until(lambda: process.state(stuck.pid) == "R", what="the loop")
        yield Target(stuck.pid, says=("Perl",))
    finally:
        touch(release)
