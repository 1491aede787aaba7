#!/usr/bin/python3
"""check_links.py finds what is planted in programs built for it. CXX names the compiler."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import check_links


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def build(self, source, *options):
        code = self.folder / "a.cc"
        program = self.folder / "a.out"
        code.write_text(source, encoding="utf-8")
        compiler = os.environ.get("CXX", "c++")
        subprocess.run([compiler, code, "-o", program, "-Wl,--no-as-needed", *options], check=True)
        return program

    def test_a_plain_program_is_clean(self):
        program = self.build("#include <cstdio>\nint main() { std::puts(\"\"); }")
        for name in check_links.FORBIDDEN:
            self.assertEqual(check_links.check(name, program), [])

    def test_an_unwinder_is_found(self):
        program = self.build("int main() {}", "-lunwind", "-lelf", "-ldw")
        found = check_links.check("pghangd", program)
        self.assertEqual(len(found), 3, found)
        for violation, library in zip(sorted(found), ("libdw.so", "libelf.so", "libunwind.so")):
            self.assertTrue(violation.startswith("pghangd links " + library), violation)
        self.assertEqual(check_links.check("pghangd-sampler", program), [])

    def test_ptrace_is_found(self):
        program = self.build(
            "#include <sys/ptrace.h>\nint main() { return ptrace(PTRACE_TRACEME, 0, 0, 0) != 0; }"
        )
        self.assertEqual(check_links.check("pghangd", program), ["pghangd imports ptrace()"])
        self.assertEqual(check_links.check("pghangd-sampler", program), [])

    def test_libpq_is_found(self):
        program = self.build(
            'extern "C" int PQlibVersion();\nint main() { return PQlibVersion() == 0; }', "-lpq"
        )
        found = check_links.check("pghangd-sampler", program)
        self.assertEqual(len(found), 2, found)
        self.assertTrue(found[0].startswith("pghangd-sampler links libpq.so"), found)
        self.assertEqual(found[1], "pghangd-sampler imports PQlibVersion()")
        self.assertEqual(check_links.check("pghangd", program), [])

    def test_a_static_program_proves_nothing(self):
        program = self.build("int main() {}", "-static")
        self.assertEqual(len(check_links.check("pghangd", program)), 1)


if __name__ == "__main__":
    unittest.main()
