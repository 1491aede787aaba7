#!/usr/bin/env python3
"""Holds config/prometheus against its tests, the metric catalogue, the causes and the runbooks."""

import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROMETHEUS = ROOT / "config/prometheus"
RUNBOOKS = ROOT / "docs/runbooks"


def rules(file, kind):
    groups = yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


ALERTS = {rule["alert"]: rule for rule in rules("alerts.yaml", "alert")}
RECORDS = {rule["record"]: rule for rule in rules("rules.yaml", "record")}


def causes():
    """The enumerators of Cause."""
    body = re.search(r"enum class Cause \{(.*?)\};", (ROOT / "diagnosis/verdict.h").read_text(), re.S)[1]
    return re.findall(r"^  (\w+),", body, re.M)


def known_metrics():
    return set(re.findall(r'\{"((?:pghangd|process)_\w+)"', (ROOT / "exporters/metrics/metric_catalogue.cc").read_text()))


def metrics_of(expression):
    """Names of pghangd's own metrics in PromQL, without the suffixes of a histogram."""
    names = re.findall(r"(?<![\w:])pghangd_\w+", expression)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


class Alerts(unittest.TestCase):
    def test_each_is_tested_firing_and_not_firing(self):
        seen = {name: set() for name in ALERTS}
        for file in ("alerts_test.yaml", "recurring_test.yaml"):
            for test in yaml.safe_load((HERE / file).read_text())["tests"]:
                for case in test["alert_rule_test"]:
                    seen[case["alertname"]].add(bool(case["exp_alerts"]))
        self.assertEqual({name: outcomes for name, outcomes in seen.items() if outcomes != {True, False}}, {})

    def test_each_says_what_where_and_what_to_do(self):
        for name, rule in ALERTS.items():
            with self.subTest(name):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertTrue(rule["annotations"]["summary"])
                self.assertTrue(rule["annotations"]["description"])
                # Of one that does not answer there is no page to link to.
                self.assertEqual("link" in rule["annotations"], name not in ("PghangdDown", "PghangdAbsent"))

    def test_each_has_a_runbook(self):
        sections = set(re.findall(r"^## (\w+)$", (RUNBOOKS / "alerts.md").read_text(), re.M))
        by_name = set()
        for name, rule in ALERTS.items():
            url = rule["annotations"]["runbook_url"]
            self.assertIn("pghangd_web_info", url, "it is served by pghangd")
            if "/runbooks/{{ $labels.cause }}" in url:
                continue
            self.assertEqual(re.findall(r"/runbooks/alerts#(\w+)", url), [name.lower()])
            by_name.add(name)
        self.assertEqual(by_name, sections)

    def test_what_does_not_answer_is_not_asked_for_its_runbook(self):
        for name in ("PghangdDown", "PghangdAbsent", "PghangdBlind"):
            self.assertNotIn("$labels.instance", ALERTS[name]["annotations"]["runbook_url"])

    def test_each_cause_has_a_runbook(self):
        if not (RUNBOOKS / "blocking_call.md").exists():
            self.skipTest("docs/runbooks has no runbooks of causes yet")
        missing = [cause for cause in causes() if not (RUNBOOKS / f"{cause}.md").exists()]
        self.assertEqual(missing, [])

    def test_each_cause_has_exactly_one_alert(self):
        about = {}
        for name in ("PghangdStorageHang", "PghangdBackendUnkillable", "PghangdBackendUnresponsive"):
            selected = re.findall(r'\{cause=~?"([a-z_|]+)"\}', ALERTS[name]["expr"])
            self.assertEqual(len(selected), 2)
            self.assertEqual(selected[0], selected[1])
            for cause in selected[0].split("|"):
                self.assertNotIn(cause, about)
                about[cause] = name
        self.assertEqual(sorted(about), sorted(causes()))

    def test_metrics_are_those_of_the_catalogue(self):
        known = known_metrics()
        self.assertIn("pghangd_up", known)
        for name, rule in {**ALERTS, **RECORDS}.items():
            self.assertEqual(metrics_of(rule["expr"]) - known, set(), name)


class RecordingRules(unittest.TestCase):
    def test_each_is_tested(self):
        text = (HERE / "rules_test.yaml").read_text()
        self.assertEqual([name for name in RECORDS if f"expr: {name}" not in text], [])


class Tools(unittest.TestCase):
    """What the tools themselves say of the files."""

    def run_tool(self, *command):
        if shutil.which(command[0]) is None:
            self.skipTest(f"{command[0]} is not installed")
        done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_promtool_accepts_the_rules(self):
        out = self.run_tool("promtool", "check", "rules", "alerts.yaml", "rules.yaml")
        self.assertIn(f"{len(ALERTS)} rules found", out)
        self.run_tool("promtool", "check", "config", "--syntax-only", "scrape.example.yaml")

    def test_amtool_accepts_the_example(self):
        self.run_tool("amtool", "check-config", "alertmanager.example.yaml")

    def test_hangs_and_outages_page_and_the_rest_are_tickets(self):
        for name, rule in ALERTS.items():
            severity = rule["labels"]["severity"]
            for labels in ([], ["fingerprint=3306c2889f27d0e8"]):
                receiver = "pager" if severity == "critical" else "tickets"
                self.run_tool(
                    "amtool", "config", "routes", "test", "--config.file=alertmanager.example.yaml",
                    f"--verify.receivers={receiver}", f"alertname={name}", f"severity={severity}", *labels,
                )

    def test_what_has_a_fingerprint_is_grouped_by_nothing_else(self):
        routes = yaml.safe_load((PROMETHEUS / "alertmanager.example.yaml").read_text())["route"]["routes"]
        grouped = [route["group_by"] for route in routes if 'fingerprint != ""' in route["matchers"]]
        self.assertEqual(grouped, [["fingerprint"], ["fingerprint"]])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
