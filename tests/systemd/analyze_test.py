#!/usr/bin/python3
"""What systemd itself says about the unit: verified, exposed at most MAX_EXPOSURE, each exposure explained.

    analyze_test.py UNIT_FOLDER README

Exit 77, with the reason, where systemd-analyze is missing or older than the options used here (250).
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MAX_EXPOSURE = 3.0


def exposures(unit):
    """{identifier: exposure} of what is not closed, and the level of the whole."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    found = {}
    for entry in json.loads(subprocess.run([*command, "--json=short", unit], capture_output=True, text=True).stdout):
        if entry["exposure"]:
            found[entry["name"]] = float(entry["exposure"])
    text = subprocess.run([*command, unit], capture_output=True, text=True).stdout
    return found, float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])


def verified(folder):
    """What `systemd-analyze verify` says, with the programs that the unit names in place."""
    with tempfile.TemporaryDirectory() as work:
        copies = []
        for unit in sorted(folder.glob("pghangd.s*")):
            text = re.sub(r"(?m)^(ExecStart=)\S+", r"\1/bin/true", unit.read_text())
            text = re.sub(r"(?m)^Documentation=.*\n", "", text)  # verify asks man for pages not yet installed
            copy = pathlib.Path(work, unit.name)
            copy.write_text(text)
            copies.append(copy)
        answer = subprocess.run(["systemd-analyze", "verify", "--man=no", *copies], capture_output=True, text=True)
        # It reads the host's other units too.
        return answer.returncode, [line for line in answer.stderr.splitlines() if "pghangd" in line]


def main():
    folder, readme = map(pathlib.Path, sys.argv[1:])
    if shutil.which("systemd-analyze") is None:
        print("Skipped: no systemd-analyze here")
        return 77
    problems = []
    open_points, level = exposures(folder / "pghangd.service")
    explained = readme.read_text().replace("\\|", "|")  # in a table
    print(f"exposure {level}, allowed {MAX_EXPOSURE}; open: {len(open_points)}")
    if level > MAX_EXPOSURE:
        problems.append(f"exposure {level} is more than {MAX_EXPOSURE}")
    for name, exposure in sorted(open_points.items()):
        if f"`{name}`" not in explained:
            problems.append(f"{readme} does not explain the exposure `{name}` ({exposure})")
    for name in re.findall(r"(?m)^\| `([^`]+)` \| [\d.]+ \|", explained):
        if name not in open_points:
            problems.append(f"{readme} explains `{name}`, which is closed")
    code, lines = verified(folder)
    if code != 0 or lines:
        problems.append(f"systemd-analyze verify: exit {code}: {lines}")
    print("\n".join(problems) or "systemd-analyze: verified")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
