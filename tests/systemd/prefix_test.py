#!/usr/bin/python3
"""`cmake --install` for whoever has no package: below any prefix, and staged for packagers of others.

    prefix_test.py BUILD_FOLDER
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop())
CONFIG = "pghangd/pghangd.yaml"


def install(prefix, destdir=None):
    environment = {**os.environ, **({"DESTDIR": str(destdir)} if destdir else {})}
    command = ["cmake", "--install", BUILD, "--prefix", prefix]
    subprocess.run(command, check=True, capture_output=True, env=environment)


class Prefix(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name) / "opt"

    def exec_start(self, root):
        unit = (root / "lib/systemd/system/pghangd.service").read_text()
        return next(line for line in unit.splitlines() if line.startswith("ExecStart="))

    def test_what_it_installs_finds_itself_there(self):
        install(self.prefix)
        program = self.prefix / "bin/pghangd"
        config = self.prefix / "etc" / CONFIG
        self.assertEqual(self.exec_start(self.prefix), f"ExecStart={program} run --config.file {config}")
        told = subprocess.run([program, "doctor", "--config.file", config, "--json"], capture_output=True, text=True, timeout=60)
        self.assertIn(f"{self.prefix}/libexec/pghangd/pghangd-sampler runs", told.stdout)
        self.assertEqual(subprocess.run([program, "check-config", config], capture_output=True).returncode, 0)

    def test_all_that_a_user_is_told_of_is_there(self):
        install(self.prefix)
        share = self.prefix / "share"
        for path in (
            "pghangd/setup.sql", "pghangd/signatures.yaml", "pghangd/prometheus/alerts.yaml", "pghangd/prometheus/pager.example.py",
            "pghangd/grafana/pghangd.json", "man/man8/pghangd.8", "man/man5/pghangd.yaml.5", "bash-completion/completions/pghangd",
            "doc/pghangd/README.md", "doc/pghangd/CHANGELOG.md", "doc/pghangd/docs/runbooks/alerts.md", "doc/pghangd/examples/systemd/kernel-stacks.conf",
        ):
            self.assertTrue((share / path).is_file(), path)
        self.assertTrue((self.prefix / "lib/sysusers.d/pghangd.conf").is_file())

    def test_an_edited_configuration_stays_and_the_new_one_lies_beside_it(self):
        install(self.prefix)
        config = self.prefix / "etc" / CONFIG
        shipped = config.read_text()
        config.write_text("mode: enforce\n")
        install(self.prefix)
        self.assertEqual(config.read_text(), "mode: enforce\n")
        self.assertEqual(config.with_suffix(".yaml.new").read_text(), shipped)

    def test_usr_has_its_configuration_in_etc(self):
        staged = self.prefix
        install("/usr", destdir=staged)
        self.assertTrue((staged / "etc" / CONFIG).is_file())
        self.assertEqual(self.exec_start(staged / "usr"), "ExecStart=/usr/bin/pghangd run --config.file /etc/pghangd/pghangd.yaml")
        self.assertEqual({path.name for path in staged.iterdir()}, {"etc", "usr"})


if __name__ == "__main__":
    unittest.main()
