#!/usr/bin/python3
"""exporters/openapi.yaml is OpenAPI, and every document of the exporters' golden files has the form that it says."""

import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration/support"))

from openapi import FILE, Openapi  # noqa: E402

GOLDEN = ROOT / "tests/exporters/golden"
SCHEMAS = {
    "backends": "Backends",
    "backends_exempt": "Backends",
    "diagnosis": "Diagnosis",
    "diagnosis_gone": "Diagnosis",
    "fingerprint": "FingerprintDetail",
    "fingerprints": "Fingerprints",
    "incident": "Incident",
    "incident_deadlocked": "Incident",
    "incidents": "Incidents",
    "incidents_page": "Incidents",
    "status": "Status",
    "status_down": "Status",
}


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


class Document(unittest.TestCase):
    def test_it_is_openapi(self):
        self.assertEqual(Openapi().validate(), [])

    def test_what_is_wrong_with_a_broken_one_is_found(self):
        text = FILE.read_text()
        for true, false, says in [
            ("openapi: 3.1.0", "openapi: 3.0.0", "is not 3.1"),
            ("#/components/schemas/Breaker'", "#/components/schemas/Broken'", "leads nowhere"),
            ("operationId: getStatus", "operationId: getIncident", "there twice"),
            ("  /incidents/{id}:", "  /incidents/{name}:", "its path has other parameters"),
            ("      required: [state, sessions]", "      required: [state]", "required is not all of them"),
            ("type: [array, 'null']", "type: [list, 'null']", "is not valid under"),
            ("          description: Not yet.\n", "", "response without"),
            ("summary: This document.", "summery: This document.", "operation with"),
            ("tags: [pages]", "tags: [page]", "a tag that is not declared"),
        ]:
            with self.subTest(false):
                self.assertIn(true, text)
                self.assertIn(says, "\n".join(Openapi(text.replace(true, false, 1)).validate()))


class Answers(unittest.TestCase):
    def test_each_golden_file_has_the_form_of_its_schema(self):
        self.assertEqual({path.stem for path in GOLDEN.glob("*.json")}, set(SCHEMAS))
        for name, schema in SCHEMAS.items():
            with self.subTest(name):
                Openapi().check(schema, golden(name))

    def test_every_field_of_what_is_served_is_in_a_golden_file(self):
        document = Openapi()
        for name, schema in SCHEMAS.items():
            document.check(schema, golden(name))
        document.check("Error", {"error": "as json_test has it"})
        printed = ("Plan", "Audit")  # by commands; test_api.py has them
        missing = {field for field in document.fields() - document.seen if not field.startswith(printed)}
        self.assertEqual(missing, set())

    def test_a_field_that_is_not_documented_or_is_gone_or_has_another_form_is_found(self):
        for change in [
            lambda it: it.update(new=1),
            lambda it: it.pop("outcome"),
            lambda it: it["diagnosis"]["process"].update(new=1),
            lambda it: it["diagnosis"]["stack"]["frames"][0].pop("line"),
            lambda it: it["diagnosis"]["verdict"].update(cause="none"),
            lambda it: it.update(opened_at="2026-11-22"),
            lambda it: it["diagnosis"]["syscall"]["fd"]["members"][0].update(new=None),
        ]:
            incident = golden("incident")
            change(incident)
            with self.assertRaises(AssertionError):
                Openapi().check("Incident", incident)


if __name__ == "__main__":
    unittest.main()
