#!/usr/bin/python3
"""What the documentation says of commands, flags and keys is what the program has. PGHANGD: the program."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PGHANGD = os.environ["PGHANGD"]
sys.path.insert(0, str(ROOT / "scripts"))

from documents import cli_help, command_page, yaml_page  # noqa: E402

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, **more)


def code(text):
    """Blocks of code, line by line, and code within a line."""
    for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


class MadeDocuments(unittest.TestCase):
    def test_man_pages_and_completion_are_what_the_program_says(self):
        regenerate = "PGHANG_REGENERATE" in os.environ
        answer = run(ROOT / "scripts/make-documents", *([] if regenerate else ["--check"]), PGHANGD)
        self.assertEqual(answer.returncode, 0, answer.stdout + "PGHANG_REGENERATE=1 writes them anew")

    def test_a_changed_key_or_flag_is_a_difference(self):
        text = (ROOT / "config/pghangd.yaml").read_text()
        self.assertNotEqual(yaml_page.make(text), yaml_page.make(text.replace("interval: 5s", "interval: 6s")))
        top = cli_help.read(PGHANGD)
        page = (ROOT / "docs/man/pghangd.8").read_text()
        top.commands[0].options[1].names[0] = "--other"
        self.assertNotEqual(command_page.put_into(page, top), page)

    def test_every_key_of_the_configuration_is_in_its_page(self):
        page = (ROOT / "docs/man/pghangd.yaml.5").read_text()

        def keys(value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    yield key
                    yield from keys(inner)
            for inner in value if isinstance(value, list) else []:
                yield from keys(inner)

        for key in set(keys(yaml.safe_load((ROOT / "config/pghangd.yaml").read_text()))):
            heading = rf"^\.SS {key}$|^\\fB[a-z_\[\].]*\b{key}\\fR"
            self.assertRegex(page, re.compile(heading, re.MULTILINE), key)

    def test_man_pages_are_clean(self):
        for page in sorted((ROOT / "docs/man").iterdir()):
            self.assertEqual(run("mandoc", "-Tlint", page).stdout, "", page)
            rendered = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page)
            self.assertEqual((rendered.returncode, rendered.stderr), (0, ""), page)

    def complete(self, *words):
        script = f"""
            source {ROOT}/config/completion/pghangd.bash
            COMP_WORDS=({' '.join(repr(word) for word in words)})
            COMP_CWORD={len(words) - 1}
            _pghangd
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        answer = run("bash", "-c", script, cwd=ROOT)
        self.assertEqual(answer.stderr, "")
        return answer.stdout.split()

    def test_completion_offers_commands_flags_values_and_files(self):
        top = cli_help.read(PGHANGD)
        self.assertLessEqual({one.words[-1] for one in top.commands}, set(self.complete("pghangd", "")))
        self.assertEqual(self.complete("pghangd", "diag"), ["diagnose"])
        for command in top.all():
            flags = {name for one in command.options for name in one.names}
            self.assertEqual(set(self.complete("pghangd", *command.words, "-")), flags, command.words)
        self.assertEqual(self.complete("pghangd", "run", "--log.level", "w"), ["warn"])
        self.assertEqual(self.complete("pghangd", "plan", "--config.file", "READ"), ["README.md"])
        self.assertEqual(self.complete("pghangd", "check-config", "READ"), ["README.md"])
        self.assertEqual(self.complete("pghangd", "run", "--dsn", ""), [])


class Pages(unittest.TestCase):
    def test_every_command_of_the_help_is_in_the_readme(self):
        text = (ROOT / "README.md").read_text()
        for command in cli_help.read(PGHANGD).all():
            if not command.commands and command.words:
                self.assertRegex(text, rf"`pghangd (?:{command.words[0]})\b", command.words)

    def test_every_pghangd_command_in_the_pages_is_one(self):
        commands = {tuple(one.words): one for one in cli_help.read(PGHANGD).all()}
        seen = 0
        for page in PAGES:
            for line in code(page.read_text()):
                for words in re.findall(r"(?:^|[ ;|])pghangd((?: +[^ ;|<>]+)+)", line):
                    seen += self.check(page, line, words.split(), commands)
        self.assertGreater(seen, 30)

    def check(self, page, line, words, commands):
        known = [one for one in commands if list(one) == words[: len(one)] and one]
        if not known:
            flag = words[0].startswith("--") and words[0] in {n for o in commands[()].options for n in o.names}
            # Not a command: `user=pghangd ...`, `local postgres pghangd peer`, a unit or a package of that name.
            self.assertTrue(flag or not re.fullmatch(r"[a-z]+-[a-z]+", words[0]), f"{page}: {line}")
            return 0
        command = commands[max(known, key=len)]
        flags = {name for one in command.options for name in one.names} | {"--sampler.program"}
        for word in words:
            if word.startswith("--"):
                self.assertIn(word.rstrip(",.:"), flags, f"{page}: {line}")
        return 1

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
                if not target.startswith("http"):
                    self.assertTrue((page.parent / target).exists(), f"{page}: {target}")

    def test_the_faq_s_figures_are_those_of_the_readme(self):
        readme = (ROOT / "README.md").read_text()
        bench = readme[readme.index("<!-- bench:"):readme.index("<!-- end of bench -->")]
        faq = (ROOT / "docs/faq.md").read_text()
        table = faq[faq.index("| | pghangd | gdb |"):faq.index("A poll is one statement")]
        figures = re.findall(r"[\d.]+ (?:ms|us|MB)", table)
        self.assertGreater(len(figures), 6)
        for figure in figures:
            self.assertIn(figure, bench)

    def test_the_kubernetes_manifest_fits_together(self):
        documents = list(yaml.safe_load_all((ROOT / "docs/kubernetes/sidecar.yaml").read_text()))
        by_kind = {one["kind"]: one for one in documents}
        pod = by_kind["StatefulSet"]["spec"]["template"]["spec"]
        self.assertIs(pod["shareProcessNamespace"], True)
        volumes = {one["name"] for one in pod["volumes"]}
        volumes |= {one["metadata"]["name"] for one in by_kind["StatefulSet"]["spec"]["volumeClaimTemplates"]}
        containers = {one["name"]: one for one in pod["containers"]}
        for container in containers.values():
            self.assertLessEqual({one["name"] for one in container["volumeMounts"]}, volumes)
        pghangd = containers["pghangd"]
        self.assertEqual(pghangd["securityContext"]["capabilities"]["add"], ["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_NICE"])
        self.assertNotIn("cpu", pghangd["resources"]["limits"])
        ports = {one["name"]: one["containerPort"] for one in pghangd["ports"]}
        for probe in ("livenessProbe", "readinessProbe"):
            self.assertIn(pghangd[probe]["httpGet"]["port"], ports)
        self.assertEqual(by_kind["Service"]["spec"]["ports"][0]["port"], ports["metrics"])
        self.assertEqual(by_kind["Service"]["spec"]["selector"], by_kind["StatefulSet"]["spec"]["template"]["metadata"]["labels"])
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(by_kind["ConfigMap"]["data"]["pghangd.yaml"])
            file.flush()
            answer = run(PGHANGD, "check-config", file.name)
            self.assertEqual(answer.returncode, 0, answer.stdout)
        flags = {name for one in cli_help.read(PGHANGD, ["run"]).options for name in one.names}
        self.assertLessEqual({word for word in pghangd["command"] if word.startswith("--")}, flags)


if __name__ == "__main__":
    unittest.main()
