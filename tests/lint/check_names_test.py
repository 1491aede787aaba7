#!/usr/bin/python3
"""check_names.py finds what is planted, and nothing else."""

import pathlib
import tempfile
import unittest

import check_names


class Planted(unittest.TestCase):
    def violations(self, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                (pathlib.Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
                (pathlib.Path(root) / path).write_text(text, encoding="utf-8")
            return check_names.check(root)

    def test_two_types_of_one_name_are_found(self):
        found = self.violations(
            {
                "collectors/stack/a.h": "namespace pghang {\n\nstruct Place {\n};\n\n}\n",
                "diagnosis/b.h": "namespace pghang {\n\nclass Place final : public Base {\n};\n\n}\n",
            }
        )
        self.assertEqual(found, ["diagnosis/b.h: defines pghang::Place, and so does collectors/stack/a.h"])

    def test_of_two_namespaces_or_only_declared_they_are_none(self):
        self.assertEqual(
            self.violations(
                {
                    "collectors/a.h": "namespace pghang {\nstruct Place {\n};\n}\n",
                    "daemon/b.h": "namespace pghang::escalation {\nstruct Place {\n};\n}\n",
                    "daemon/c.h": "namespace pghang {\nstruct Place;\n}\n",
                }
            ),
            [],
        )


if __name__ == "__main__":
    unittest.main()
