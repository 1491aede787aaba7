"""A warm sampler that is asked as the daemon asks it, by way of tests/bench/sampler_driver."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """As collectors/sampler/protocol.h has it; the defaults are the daemon's."""

    samples: int = 3
    interval_ms: int = 20
    stop: bool = True
    peers: bool = True


ONE_LOOK = Request(samples=1, peers=False)  # capture, unwind and symbolize, and nothing else


class WarmSampler:
    """Ends with the block that it is entered by."""

    def __init__(self, binaries, prefix=()):
        command = [*prefix, binaries / "sampler_driver", binaries / "pghangd-sampler"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def captures(self, pid, count, request=Request()):
        """What the driver says of each: start_us, end_us, method, held_us, cpu_us, wall_us, frames, ..."""
        order = f"capture {pid} {count} {request.samples} {request.interval_ms} {int(request.stop)} {int(request.peers)}"
        return self._ask(order, count)

    def prewarm(self, pid):
        self._ask(f"prewarm {pid}")

    def memory(self):
        """Kilobytes (PSS) of keeper and worker together."""
        return sum(pss(pid) for pid in self._ask("helpers")[0].values())

    def _ask(self, order, answers=1):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        found = [json.loads(self.process.stdout.readline()) for _ in range(answers)]
        errors = [answer["error"] for answer in found if "error" in answer]
        assert not errors, f"{order}: {errors[0]} ({len(errors)} of {answers})"
        return found


def pss(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError(f"no Pss of {pid}")
