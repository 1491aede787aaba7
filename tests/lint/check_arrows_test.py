#!/usr/bin/python3
"""check_arrows.py finds what is planted, and nothing else."""

import pathlib
import tempfile
import unittest

import check_arrows


class Planted(unittest.TestCase):
    def violations(self, files):
        """Of a tree with these files: a dict from path to text."""
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return check_arrows.check(root)

    def assert_clean(self, path, text):
        self.assertEqual(self.violations({path: text}), [], f"{path}: {text}")

    def assert_found(self, path, text, *words):
        found = self.violations({path: text})
        self.assertEqual(len(found), 1, f"{path}: {text}: {found}")
        for word in words:
            self.assertIn(word, found[0])

    # The arrows.

    def test_every_area_may_include_itself_and_what_the_table_says(self):
        headers = {
            "config": "config/settings.h",
            "evidence": "collectors/evidence/capture.h",
            "postgres": "collectors/postgres/connection.h",
            "process": "collectors/process/procfs.h",
            "stack": "collectors/stack/unwinder.h",
            "trace": "collectors/trace/trace_process.h",
            "sampler wire": "collectors/sampler/protocol.h",
            "sampler client": "collectors/sampler/client.h",
            "sampler helper": "collectors/sampler/worker.h",
            "diagnosis": "diagnosis/verdict.h",
            "store": "exporters/store/store_file.h",
            "exporters": "exporters/api.h",
            "escalation": "daemon/escalation/tracker.h",
            "daemon": "daemon/supervisor.h",
        }
        self.assertEqual(set(headers), set(check_arrows.MAY_INCLUDE))
        for area, path in headers.items():
            allowed = check_arrows.MAY_INCLUDE[area] + [area]
            for other, header in headers.items():
                with self.subTest(includer=area, included=other):
                    text = f'#include "{header}"\n'
                    if other in allowed:
                        self.assert_clean(path, text)
                    else:
                        self.assert_found(path, text, f"{path}:1:", header, other)

    def test_the_arrows_of_the_design_hold_in_the_table(self):
        may = check_arrows.MAY_INCLUDE
        self.assertEqual(may["config"], [])
        for area in ("stack", "trace", "process", "sampler helper"):
            self.assertNotIn(area, may["daemon"])
        for area in ("postgres", "diagnosis", "store", "exporters", "daemon"):
            for collector in ("process", "stack", "trace", "sampler wire", "sampler client"):
                self.assertNotIn(area, may[collector])
        self.assertNotIn("stack", may["sampler client"] + may["sampler wire"])
        self.assertNotIn("postgres", may["sampler helper"])
        self.assertNotIn("diagnosis", may["escalation"])

    def test_no_area_reaches_itself_through_the_others(self):
        def reachable(area, seen):
            for other in check_arrows.MAY_INCLUDE.get(area, []):
                if other not in seen:
                    seen.add(other)
                    reachable(other, seen)
            return seen

        for area in check_arrows.MAY_INCLUDE:
            self.assertNotIn(area, reachable(area, set()))

    def test_a_single_header_may_be_allowed_without_its_folder(self):
        self.assert_clean("daemon/escalation/t.cc", '#include "diagnosis/incident.h"\n')
        self.assert_found("daemon/escalation/t.cc", '#include "diagnosis/verdict.h"\n', "verdict.h")
        self.assert_clean("collectors/sampler/client.cc", '#include "config/unique_fd.h"\n')

    def test_a_violation_names_its_line(self):
        text = '#include <string>\n\n#include "daemon/supervisor.h"\n'
        self.assert_found("config/a.h", text, "config/a.h:3: ")

    def test_ours_are_included_by_their_whole_path(self):
        self.assert_found("config/a.cc", '#include "settings.h"\n', "whole path")
        self.assert_found("config/a.cc", '#include "../daemon/x.h"\n', "whole path")

    def test_an_include_behind_an_if_or_with_blanks_counts(self):
        text = '#if X\n  #  include   "daemon/x.h"\n#endif\n'
        self.assert_found("config/a.cc", text, "config/a.cc:2: ")

    def test_an_include_in_a_comment_does_not_count(self):
        self.assert_clean("config/a.cc", '// #include "daemon/x.h"\n/*\n#include "daemon/x.h"\n*/\n')

    def test_a_slash_slash_in_a_literal_is_no_comment(self):
        text = 'auto a = "// /*"; int b = 1\'000; char c = \'"\'; auto d = R"x(/* ")x";\n'
        self.assert_found("config/a.cc", text + '#include "daemon/x.h"\n', "config/a.cc:2: ")

    def test_a_new_folder_needs_an_area(self):
        self.assert_found("collectors/disk/a.cc", "", "collectors/disk/a.cc:1: is in no area")
        self.assert_found("plugins/a.cc", "", "plugins/a.cc:1: is in no area")

    def test_what_is_built_is_not_looked_at(self):
        self.assert_clean("build/debug/a.cc", '#include "x.h"\n')

    # The owners.

    def test_every_library_is_good_at_its_owner_only(self):
        cases = [
            ("yaml-cpp/yaml.h", "config/a.cc", "daemon/a.cc"),
            ("libpq-fe.h", "collectors/postgres/a.h", "daemon/a.cc"),
            ("libunwind.h", "collectors/stack/a.cc", "collectors/sampler/worker.cc"),
            ("libunwind-x86_64.h", "collectors/stack/a.cc", "daemon/a.cc"),
            ("elfutils/libdw.h", "collectors/stack/a.cc", "collectors/process/a.cc"),
            ("gelf.h", "collectors/stack/a.cc", "collectors/process/a.cc"),
            ("lzma.h", "collectors/stack/a.cc", "exporters/a.cc"),
            ("dlfcn.h", "collectors/stack/a.cc", "daemon/a.cc"),
            ("prometheus/registry.h", "exporters/a.cc", "daemon/a.cc"),
            ("boost/beast/http.hpp", "exporters/a.cc", "daemon/a.cc"),
            ("boost/json.hpp", "exporters/a.h", "diagnosis/a.cc"),
            ("openssl/ssl.h", "exporters/http/a.cc", "daemon/a.cc"),
            ("boost/asio/awaitable.hpp", "daemon/a.h", "daemon/escalation/a.h"),
            ("boost/asio/awaitable.hpp", "collectors/sampler/client.h", "collectors/sampler/keeper.h"),
            ("boost/asio/awaitable.hpp", "collectors/postgres/a.h", "diagnosis/a.h"),
            ("boost/pfr/core.hpp", "collectors/evidence/codec.h", "collectors/evidence/names.cc"),
            ("zstd.h", "exporters/a.cc", "daemon/a.cc"),
            ("crypt.h", "exporters/a.cc", "daemon/a.cc"),
            ("zlib.h", "exporters/a.cc", "daemon/a.cc"),
            ("SQLiteCpp/Database.h", "exporters/store/a.cc", "daemon/a.cc"),
            ("boost/system/result.hpp", "config/result.h", "config/units.h"),
            ("spdlog/spdlog.h", "daemon/a.cc", "exporters/a.cc"),
            ("CLI/CLI.hpp", "daemon/a.cc", "collectors/sampler/main.cc"),
            ("seccomp.h", "collectors/sampler/syscall_filter.cc", "daemon/a.cc"),
            ("sys/capability.h", "daemon/a.cc", "collectors/process/a.cc"),
        ]
        for header, good, bad in cases:
            with self.subTest(header=header):
                self.assert_clean(good, f"#include <{header}>\n")
                self.assert_found(bad, f"#include <{header}>\n", f"<{header}>", "belongs to")
        for index in range(len(check_arrows.OWNERS)):
            self.assertIn(index, [check_arrows.owner_of(header) for header, _, _ in cases])

    def test_some_libraries_are_included_by_one_cc_only(self):
        for header, folder in (("yaml-cpp/parser.h", "config"), ("boost/beast/core.hpp", "exporters")):
            text = f"#include <{header}>\n"
            self.assert_found(f"{folder}/a.h", text, "only a .cc may")
            found = self.violations({f"{folder}/a.cc": text, f"{folder}/b.cc": text})
            self.assertEqual(len(found), 1)
            self.assertIn(f"{folder}/b.cc:1:", found[0])
            self.assertIn(f"only one file may; {folder}/a.cc does", found[0])
            self.assert_clean(f"{folder}/a.cc", text + text)

    def test_a_library_without_an_owner_is_a_violation(self):
        for header in ("boost/regex.hpp", "curl/curl.h", "archive.h"):
            self.assert_found("daemon/a.cc", f"#include <{header}>\n", "no owner")
        self.assert_found("daemon/a.cc", "#include PGHANG_HEADER\n", "no owner")

    def test_system_headers_are_everybodys(self):
        for header in ("string", "sys/types.h", "linux/futex.h", "netinet/in.h", "elf.h", "poll.h"):
            self.assert_clean("config/a.cc", f"#include <{header}>\n")

    # What is reserved.

    def test_ptrace_attach_is_nowhere(self):
        for path in ("collectors/stack/a.cc", "daemon/a.cc", "tests/collectors/stack/a.cc"):
            self.assert_found(path, "f(PTRACE_ATTACH, pid);\n", f"{path}:1: has PTRACE_ATTACH")

    def test_ptrace_is_in_few_places_only(self):
        for path in ("collectors/sampler/a.cc", "collectors/trace/a.cc", "collectors/process/a.cc", "daemon/a.cc"):
            self.assert_found(path, "\n::ptrace (PTRACE_SEIZE, 1);\n", f"{path}:2: has ptrace()")
        for path in ("collectors/stack/a.cc", "collectors/trace/tracee.cc"):
            self.assert_clean(path, "ptrace(PTRACE_SEIZE, 1);\n")
        self.assert_clean("daemon/a.cc", "int no_ptrace(int); // ptrace(\n")

    def test_only_the_daemon_writes_messages(self):
        for text in ("std::cerr << 1;", "std::printf(\"x\");", "fputs(x, stderr);", "syslog(1, x);"):
            self.assert_found("collectors/process/a.cc", text, "only daemon/ logs")
            self.assert_clean("daemon/a.cc", text)
        self.assert_clean("diagnosis/a.cc", "std::snprintf(x);")

    def test_nothing_is_thrown(self):
        self.assert_found("daemon/a.cc", "throw 1;", "an error is a value")
        self.assert_clean("daemon/a.cc", "throw_exception_from_error(x);")


if __name__ == "__main__":
    unittest.main()
