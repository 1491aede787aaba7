#!/usr/bin/env python3
"""Holds config/grafana/pghangd.json against the dashboard model of Grafana (its classic JSON), strictly.

The model is what Grafana's documentation of the dashboard JSON and the types of its npm package @grafana/schema say, for
the kinds of panel that are used here. tests/integration/test_dashboard.py asks its queries of a real Prometheus."""

import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "config/grafana/pghangd.json").read_text())
CATALOGUE = (ROOT / "exporters/metrics/metric_catalogue.cc").read_text()
GRID = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

TOP = {
    "annotations": dict, "description": str, "editable": bool, "fiscalYearStartMonth": int, "graphTooltip": int,
    "id": type(None), "links": list, "panels": list, "refresh": str, "schemaVersion": int, "tags": list,
    "templating": dict, "time": dict, "timepicker": dict, "timezone": str, "title": str, "uid": str, "version": int,
    "weekStart": str,
}
ROW = {"collapsed": bool, "gridPos": dict, "id": int, "panels": list, "title": str, "type": str}
PANEL = {
    "datasource": dict, "description": str, "fieldConfig": dict, "gridPos": dict, "id": int, "options": dict,
    "targets": list, "title": str, "type": str,
}
TARGET = {"datasource": dict, "editorMode": str, "expr": str, "legendFormat": str, "range": bool, "refId": str}
TABLE_TARGET = {**TARGET, "format": str, "instant": bool}
OPTIONS = {
    "stat": {"colorMode", "graphMode", "justifyMode", "orientation", "percentChangeColorMode", "reduceOptions", "showPercentChange",
             "textMode", "wideLayout"},
    "timeseries": {"legend", "tooltip"},
    "table": {"cellHeight", "frameIndex", "showHeader", "sortBy"},
}
CHOICES = {
    "colorMode": ("value", "background", "background_solid", "none"), "graphMode": ("none", "line", "area"),
    "justifyMode": ("auto", "center"), "orientation": ("auto", "vertical", "horizontal"),
    "textMode": ("auto", "value", "value_and_name", "name", "none"), "cellHeight": ("sm", "md", "lg", "auto"),
    "drawStyle": ("line", "bars", "points"), "lineInterpolation": ("linear", "smooth", "stepBefore", "stepAfter"),
    "showPoints": ("auto", "never", "always"),
}
UNITS = {"short", "s", "percentunit", "bytes"}
FIELD_DEFAULTS = {"color", "custom", "mappings", "min", "thresholds", "unit"}
VARIABLES = ("datasource", "cluster", "instance", "target")

PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


class Model(unittest.TestCase):
    def assert_shape(self, value, shape, optional=()):
        self.assertEqual(set(value) - set(optional), set(shape))
        for key, kind in shape.items():
            self.assertIs(type(value[key]), kind, key)

    def test_the_dashboard_has_the_fields_of_the_model_and_no_other(self):
        self.assert_shape(DASHBOARD, TOP)
        self.assertGreaterEqual(DASHBOARD["schemaVersion"], 42)
        self.assertRegex(DASHBOARD["uid"], r"^[a-zA-Z0-9_-]{1,40}$")
        self.assertIsNone(DASHBOARD["id"], "a number would be that of another installation")

    def test_panels_have_the_fields_of_their_kind(self):
        for panel in DASHBOARD["panels"]:
            with self.subTest(panel["title"]):
                if panel["type"] == "row":
                    self.assert_shape(panel, ROW)
                    continue
                self.assertIn(panel["type"], OPTIONS)
                self.assert_shape(panel, PANEL, ("transformations",) if panel["type"] == "table" else ())
                self.assertEqual(set(panel["options"]), OPTIONS[panel["type"]])
                self.assertEqual(set(panel["fieldConfig"]), {"defaults", "overrides"})
                self.assertLessEqual(set(panel["fieldConfig"]["defaults"]), FIELD_DEFAULTS)
                self.assertTrue(panel["description"])

    def test_choices_are_ones_that_grafana_knows(self):
        for panel in PANELS:
            chosen = {**panel["options"], **panel["fieldConfig"]["defaults"].get("custom", {})}
            for key, allowed in CHOICES.items():
                if key in chosen:
                    self.assertIn(chosen[key], allowed, panel["title"])
            self.assertIn(panel["fieldConfig"]["defaults"].get("unit", "short"), UNITS, panel["title"])

    def test_thresholds_begin_with_the_base_and_rise(self):
        for panel in PANELS:
            steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
            self.assertIsNone(steps[0], panel["title"])
            self.assertEqual(steps[1:], sorted(steps[1:]))

    def test_ids_and_titles_are_there_once(self):
        for what in ("id", "title"):
            values = [panel[what] for panel in DASHBOARD["panels"]]
            self.assertEqual(len(values), len(set(values)), what)

    def test_panels_fill_the_grid_and_do_not_overlap(self):
        taken = set()
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            self.assert_shape(place, {"h": int, "w": int, "x": int, "y": int})
            self.assertLessEqual(place["x"] + place["w"], GRID, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            taken |= cells
        height = max(y for _, y in taken) + 1
        self.assertEqual(len(taken), GRID * height, "there is a hole")

    def test_queries_have_the_fields_of_a_prometheus_query(self):
        for panel in PANELS:
            refs = [target["refId"] for target in panel["targets"]]
            self.assertEqual(refs, [chr(ord("A") + i) for i in range(len(refs))], panel["title"])
            for target in panel["targets"]:
                self.assert_shape(target, TABLE_TARGET if panel["type"] == "table" else TARGET)
                self.assertEqual(target["datasource"], DATASOURCE)
            self.assertEqual(panel["datasource"], DATASOURCE)


class Content(unittest.TestCase):
    def test_variables_are_those_that_queries_use(self):
        names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
        self.assertEqual(names, list(VARIABLES))
        used = {name for _, expr in QUERIES for name in re.findall(r"\$(\w+)", expr)}
        self.assertEqual(used - {"__rate_interval"}, set(VARIABLES) - {"datasource"})

    def test_a_host_without_the_label_cluster_is_among_all(self):
        for variable in DASHBOARD["templating"]["list"][1:]:
            self.assertEqual((variable["allValue"], variable["includeAll"]), (".*", True), variable["name"])

    def test_every_query_selects_by_cluster_and_instance(self):
        for title, expr in QUERIES:
            self.assertIn('cluster=~"$cluster",instance=~"$instance"', expr, title)

    def test_queries_ask_for_metrics_with_labels_that_the_catalogue_has(self):
        labels = {name: text.split(",") for name, text in re.findall(r'\{"(\w+)",\s*"\w+",\s*"([\w,]*)"', CATALOGUE)}
        self.assertIn("pghangd_up", labels)
        for title, expr in QUERIES:
            for name, selectors in re.findall(r"\b((?:pghangd|process)_\w+)(?:\{(.*?)\})?", expr):
                name = re.sub(r"_bucket$", "", name)
                self.assertIn(name, labels, title)
                selected = set(re.findall(r"(\w+)[=!]~?\"", selectors)) - {"cluster", "instance"}
                self.assertLessEqual(selected, set(labels[name]), title)

    def test_every_metric_about_hangs_is_shown(self):
        shown = " ".join(expr for _, expr in QUERIES)
        for name in re.findall(r'\{"(pghangd_\w+)"', CATALOGUE):
            if re.search("unresponsive|blocked|fingerprint|signal|incidents|capture|poll|known_bug|matched", name):
                self.assertIn(name, shown)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
