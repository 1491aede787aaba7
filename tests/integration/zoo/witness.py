"""gdb, the witness that pghangd's stacks are compared with. It attaches, and so disturbs: it comes last, and where a
debugger would not return or would leave the backend stopped, it looks before the hang is made."""

from support import gdb
from support.agreement import Agreement, compare

from .stage import asleep

# A backend that spins in one of these is compared from the outermost of them on.
INTERPRETERS = ("_PyEval_EvalFrameDefault", "Perl_runops_standard")


class Witness:
    """What gdb saw of one hang's backends before they were out of its reach."""

    def __init__(self):
        self.seen = {}  # pid to backtraces: one of them must be the stack of the hang
        self.how = "at the end"
        self.not_compared = None  # what of the stack is left out, and why

    def look(self, pid):
        """At a backend that stays in its system call, as the frozen and the traced do."""
        asleep(pid)
        self.seen[pid], self.how = [gdb.backtrace(pid)], "before"
        asleep(pid)

    def rehearse(self, session, sql, syscall, calls):
        """At the same backend in the same call of a statement that does not hang: the code is where it was."""
        self.seen[session.pid] = gdb.backtraces_at(session.pid, syscall, lambda: session.start(sql), calls)
        self.how = f"in {syscall} of a rehearsal"
        session.wait()

    def agrees(self, pid, look):
        """The Agreement of what `look()` says of a backend, which is made first, with gdb's."""
        if pid in self.seen:
            return self.agrees_before(pid, look())
        stack = look()
        theirs = gdb.backtrace(pid)
        if stack["method"] == "ptrace_stop":
            outside = frames_below_interpreter(stack["frames"])
            self.not_compared = f"its innermost {len(stack['frames']) - outside} frames, for it runs on between two looks"
            return compare(pid, stack, theirs, skip=max(len(stack["frames"]), len(theirs)) - outside, addresses=True)
        assert stack["method"] == "in_place" and stack["held_us"] == 0
        return compare(pid, stack, theirs, addresses=True)

    def agrees_before(self, pid, stack):
        assert stack["method"] == "in_place" and stack["held_us"] == 0
        ours = [int(frame["address"], 16) for frame in stack["frames"]]
        theirs = next((seen for seen in self.seen[pid] if [address for address, _ in seen] == ours), self.seen[pid][0])
        return compare(pid, stack, theirs, addresses=True)


def frames_below_interpreter(frames):
    """How many frames are outside the outermost loop of an interpreter; those inside differ from one look to the next."""
    return next(i for i, frame in enumerate(reversed(frames)) if frame["function"] in INTERPRETERS)


class Agreements:
    """One row per hang, printed at the end of the run."""

    def __init__(self):
        self.rows = []  # (hang, when gdb looked, Agreement)
        self.not_compared = {}  # hang to what of it, and why

    def add(self, name, witness, agreement):
        self.rows.append((name, witness.how, agreement))
        if witness.not_compared:
            self.not_compared[name] = witness.not_compared

    def lines(self):
        for name, how, one in self.rows:
            yield f"{name:<28}{one.frames:>4} frames {one.names:>4} names {one.uncovered:>3} excluded  {how}"
        total = sum((one for _, _, one in self.rows), Agreement())
        reasons = "; ".join(f"{name}: {reason}" for name, reason in self.not_compared.items()) or "none"
        yield f"{len(self.rows)} hangs: {total}, 0 wrong; not comparable: {reasons}"
