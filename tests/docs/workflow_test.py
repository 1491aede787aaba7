#!/usr/bin/python3
"""The GitHub workflow does what .ci/run does."""

import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())


def commands():
    return "\n".join(step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step)


class Workflow(unittest.TestCase):
    def test_every_step_of_ci_run_is_in_it(self):
        local = [line.strip() for line in (ROOT / ".ci/run").read_text().splitlines()]
        local = [line for line in local if not line.startswith(("#", "step ", "done", "for ", "set ", "cd "))]
        wanted = re.findall(r"(?:(?:scripts|tests)/[a-z/-]+(?: [a-z0-9-]+)*|pytest \S+)", "\n".join(local))
        self.assertGreaterEqual(len(wanted), 8)
        self.assertIn("tests/systemd/run", wanted)
        for command in wanted:
            self.assertIn(command, commands())

    def test_both_compilers_and_both_sanitizers_are_in_it(self):
        compilers = {one["compiler"] for one in WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["include"]}
        self.assertEqual(compilers, {"gcc", "clang"})
        self.assertEqual(WORKFLOW["jobs"]["sanitizers"]["strategy"]["matrix"]["preset"], ["asan", "tsan"])

    def test_the_package_is_made_once_and_installed_where_nothing_else_is(self):
        made, bare = WORKFLOW["jobs"]["package"], WORKFLOW["jobs"]["install"]
        self.assertEqual(bare["needs"], "package")
        self.assertEqual(bare["container"], "debian:12")
        artifacts = {step["with"]["name"] for job in (made, bare) for step in job["steps"] if "artifact" in step.get("uses", "")}
        self.assertEqual(artifacts, {"package"})
        self.assertNotIn("scripts/", "".join(step.get("run", "") for step in bare["steps"]))
        for words in ("lintian ", "./pghangd_*.deb", "pghangd --version", "pghangd doctor "):
            self.assertIn(words, commands())

    def test_every_script_and_preset_that_it_names_is_there(self):
        for script in re.findall(r"(?:scripts|tests)/[a-z/-]+", commands()):
            self.assertTrue((ROOT / script).exists(), script)
        presets = (ROOT / "CMakePresets.json").read_text()
        for preset in re.findall(r"--preset ([a-z]+)", commands()):
            self.assertIn(f'"name": "{preset}"', presets)

    def test_every_job_has_a_limit_of_time_and_may_only_read(self):
        self.assertEqual(WORKFLOW["permissions"], {"contents": "read"})
        for name, job in WORKFLOW["jobs"].items():
            self.assertIn("timeout-minutes", job, name)


if __name__ == "__main__":
    unittest.main()
