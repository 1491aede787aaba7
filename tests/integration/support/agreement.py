"""Frame by frame: a stack of pghangd's against gdb's."""

from dataclasses import dataclass

from . import gdb


@dataclass
class Agreement:
    """Of one comparison, or of several added up."""

    frames: int = 0  # looked at by both
    addresses: int = 0  # equal
    names: int = 0  # equal, or another name of the same symbol's address
    tail_calls: int = 0  # gdb infers frames of functions that jumped on; they are not on the stack
    uncovered: int = 0  # gdb names the nearest symbol, which does not cover the address: no name is right there

    def __add__(self, other):
        return Agreement(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values())))

    def __str__(self):
        return (
            f"{self.frames} frames compared, {self.addresses} addresses and {self.names} names equal, "
            f"{self.uncovered} of gdb's names (no symbol covers the address) and {self.tail_calls} of its frames (tail calls) excluded"
        )


def compare(pid, stack, theirs, skip=0, addresses=False):
    """Every name of gdb's that a symbol covers is ours too (or its exported alias is), at the same position counted from
    the outermost frame: a running process is somewhere else each time it is looked at. The `skip` innermost frames are
    left out; otherwise there are as many as gdb has. With `addresses` those are equal too."""
    ours, every = stack["frames"], theirs
    theirs = [frame for frame in theirs if frame is theirs[0] or not is_tail_call(pid, frame[0])]
    assert stack["complete"], stack["stop_reason"]
    assert len(ours) == len(theirs) or skip, f"pghangd has {len(ours)} frames, gdb {len(theirs)}:\n{side_by_side(ours, theirs)}"
    found = Agreement(tail_calls=len(every) - len(theirs))
    for back in range(1, min(len(ours), len(theirs)) + 1 - skip):
        mine, (address, name) = ours[-back], theirs[-back]
        found.frames += 1
        if addresses and address is not None:
            assert int(mine["address"], 16) == address, f"frame -{back}:\n{side_by_side(ours, theirs)}"
            found.addresses += 1
        if name is None:
            continue
        if name == gdb.SIGNAL_FRAME:
            assert mine["kind"] == "signal", mine
            continue
        covering = gdb.covering_names(pid, address, is_return_address=back != len(theirs))
        if name not in covering:
            found.uncovered += 1
            assert mine["function"] is None or mine["function"] in covering, (name, mine)
            continue
        found.names += 1
        # An exported name is preferred to the alias that gdb takes from a debug package.
        alias = mine["exported"] and mine["function"] in covering
        assert mine["function"] == name or alias, f"frame -{back}: gdb {name}, pghangd {mine['function']} {mine}"
    assert found.names >= 5, side_by_side(ours, theirs)
    return found


def is_tail_call(pid, address):
    """True for a return address that follows a jump. Nothing returns there: the function left by that jump and has no
    frame on the stack. With debug information gdb shows it nevertheless (GDB manual, "Tail Call Frames"): with libc6-dbg,
    `do_futex_wait` and `__futex_abstimed_wait_cancelable64` of a waiting semaphore, whose code ends in `jmp`."""
    if address is None:
        return False
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(address - 5)
        code = memory.read(5)
    return code[0] == 0xE9 or code[3] == 0xEB


def side_by_side(ours, theirs):
    """Both stacks from their outermost frames on, for a message."""
    lines = []
    for back in range(max(len(ours), len(theirs)), 0, -1):
        mine = f"{ours[-back]['address']} {ours[-back]['function']}" if back <= len(ours) else ""
        other = f"{theirs[-back][0] or 0:#x} {theirs[-back][1]}" if back <= len(theirs) else ""
        lines.append(f"  {mine:<60} {other}")
    return "\n".join(lines)
