"""`scripts/demo --stack`: from a hang to the page, through a real Prometheus and Alertmanager, with URLs to click."""

import argparse
import shutil
import sys
import tempfile
import time

from support.daemon import install
from support.monitoring import Alertmanager, Pager, Prometheus, missing_programs
from support.waiting import wait_until

from .demo import say
from .hang import catalogue
from .stage import Stage
from .watch import daemon_for, daemons_incident


def tell(message):
    """What the pager got."""
    print(f"{message['status'].upper()}: {len(message['alerts'])} alert(s), grouped by {message['groupLabels']}")
    for alert in message["alerts"]:
        for name in ("summary", "description", "link", "runbook_url"):
            print(f"  {name:<12} {alert['annotations'].get(name, '')}")


def show(hang, keep):
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="pghangd-demo-", dir="/tmp")
    stage = Stage()
    stage.later(lambda: shutil.rmtree(folder, ignore_errors=True))
    try:
        say("a throwaway PostgreSQL cluster, and on it: " + hang.title.replace("`", ""))
        with hang.made(stage) as target:
            pghangd = daemon_for(hang, stage, install(folder), "/tmp")
            stage.later(pghangd.stop)
            pghangd.start()
            pager = Pager()
            stage.later(pager.stop)
            alertmanager = Alertmanager(pager.url)
            stage.later(alertmanager.stop)
            alertmanager.start()
            prometheus = Prometheus([pghangd.url.removeprefix("http://")], alertmanager)
            stage.later(prometheus.stop)
            prometheus.start()
            print(f"pghangd       {pghangd.url}/\nPrometheus    {prometheus.url}/alerts\nAlertmanager  {alertmanager.url}/#/alerts")

            say(f"backend {target.pid} is asked to go and does not")
            incident = daemons_incident(pghangd, hang, target.pid)
            print(f"{incident['diagnosis']['verdict']['cause']}: {incident['diagnosis']['verdict']['summary']}")
            print(f"{pghangd.url}/incidents/{incident['id']}")
            say("the page (the alert waits 15 s or more, so that its cause is settled)")
            wait_until(lambda: pager.got("firing") or pager.got("firing", "/ticket"), 120, "a page")
            tell(pager.messages[0][1])
            if keep:
                say("it stays as it is, but for what a guard undoes after a minute. Enter ends it and cleans up")
                sys.stdin.readline()
            say("undoing it")
        wait_until(lambda: pager.got("resolved") or pager.got("resolved", "/ticket"), 60, "the message that it is over")
        tell(pager.messages[-1][1])
        say(f"done in {time.monotonic() - started:.0f} s; cleaning up")
    finally:
        stage.close()


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo --stack")
    parser.add_argument("--hang", metavar="NAME", default="copy_from_fifo")
    parser.add_argument("--keep", action="store_true")
    wanted = parser.parse_args()
    hang = next((one for one in catalogue() if one.name == wanted.hang), None)
    if hang is None or hang.by != "daemon" or hang.action == "observe":
        parser.error(f"no hang that is signalled is called {wanted.hang}; scripts/demo --list-hangs names all")
    for missing in filter(None, [*(ability() for ability in hang.needs), missing_programs()]):
        sys.exit(f"demo: {hang.name} cannot be shown here: {missing}")
    show(hang, wanted.keep)


if __name__ == "__main__":
    main()
