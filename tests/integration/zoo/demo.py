"""`scripts/demo --hang NAME`: makes one hang of the zoo, lets pghangd explain it, undoes it and cleans up."""

import argparse
import re
import shutil
import sys
import tempfile
import time

from support.daemon import install
from support.waiting import wait_until

from .hang import catalogue
from .stage import Stage
from .watch import command, daemon_for, daemons_incident

TOLD = ("matched", "cancel_sent", "terminate_sent", "unresponsive", "diagnosed", "resolved")


def say(words):
    print(f"\n== {words}", flush=True)


def list_hangs():
    for one in catalogue():
        print(f"{one.name:<{max(len(h.name) for h in catalogue())}}  {one.title.replace('`', '')}")


def tell(daemon, told):
    """Prints the log's new lines that belong to the story."""
    for line in daemon.log().splitlines()[told:]:
        event = re.search(r"event=(\w+)", line)
        if event and event[1] in TOLD:
            fields = re.findall(r" (?:pid|rule|wait_event|query_age|cause|gate|outcome|incident)=\S+", line)
            print(f"{line[14:26]}  {event[1]:<16}{''.join(fields)}")
    return len(daemon.log().splitlines())


def explain(hang, stage, target, binaries):
    """Prints what pghangd says; a started daemon, or None."""
    if hang.by == "command":
        say(f"pghangd diagnose {target.pid}")
        print(command(binaries, target.pid))
        return None
    daemon = daemon_for(hang, stage, binaries, "/tmp")
    stage.later(daemon.stop)
    daemon.start()
    say(f"pghangd at {daemon.url}, told to {hang.action}")
    incident = daemons_incident(daemon, hang, target.pid)
    daemon.told = tell(daemon, 0)
    report = f"/api/v1/incidents/{incident['id']}?format=text"
    say(f"the incident report ({daemon.url}{report}; in a browser: {daemon.url}/incidents/{incident['id']})")
    print(daemon.get(report)[1])
    return daemon


def show(hang, keep):
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="pghangd-demo-", dir="/tmp")
    stage = Stage()
    stage.later(lambda: shutil.rmtree(folder, ignore_errors=True))
    try:
        say("a throwaway PostgreSQL cluster, and on it: " + hang.title.replace("`", ""))
        with hang.made(stage) as target:
            print(f"the backend is pid {target.pid}")
            daemon = explain(hang, stage, target, install(folder))
            if keep:
                say("it stays as it is, but for what a guard undoes after a minute. Enter ends it and cleans up")
                sys.stdin.readline()
            say("undoing it")
        if daemon:
            if not hang.survives and hang.action != "observe":
                wait_until(lambda: daemon.incident(target.pid)["outcome"], what="the end of the incident")
            tell(daemon, daemon.told)
        say(f"done in {time.monotonic() - started:.0f} s; cleaning up")
    finally:
        stage.close()


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--hang", metavar="NAME")
    parser.add_argument("--list-hangs", action="store_true")
    parser.add_argument("--keep", action="store_true")
    wanted = parser.parse_args()
    if wanted.list_hangs:
        return list_hangs()
    hang = next((one for one in catalogue() if one.name == wanted.hang), None)
    if hang is None:
        parser.error(f"no hang is called {wanted.hang}; --list-hangs names them")
    for missing in filter(None, (ability() for ability in hang.needs)):
        sys.exit(f"demo: {hang.name} cannot be made here: {missing}")
    show(hang, wanted.keep)


if __name__ == "__main__":
    main()
