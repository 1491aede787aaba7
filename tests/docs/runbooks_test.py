#!/usr/bin/python3
"""A page for each cause, and in it a row for each explanation that the cause can have."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs/runbooks"


def enumerators(header, name):
    text = (ROOT / header).read_text()
    body = re.search(rf"enum class {name} {{(.*?)}};", text, re.DOTALL)[1]
    return re.findall(r"\b([a-z_]+)\b", re.sub(r"///?.*", "", body))


CAUSES = enumerators("diagnosis/verdict.h", "Cause")
STORIES = enumerators("diagnosis/explanations.h", "Story")


def stories_by_cause():
    """Of the table in diagnosis/story.cc: {Cause::gone, always, Story::gone}."""
    text = (ROOT / "diagnosis/story.cc").read_text()
    table = text[text.index("kCases"):]
    found = {}
    for cause, _, story in re.findall(r"\{Cause::(\w+),((?:(?!Cause::).)*?)Story::(\w+)\}", table, re.DOTALL):
        found.setdefault(cause, set()).add(story)
    return found


def rows(page):
    """The explanations that a page has a row for."""
    return set(re.findall(r"^\| `([a-z_]+)` \|", page.read_text(), re.MULTILINE))


class Runbooks(unittest.TestCase):
    def test_the_tables_that_this_reads_are_read(self):
        self.assertGreaterEqual(len(CAUSES), 19)
        self.assertIn("fifo_read", STORIES)
        self.assertEqual(set(stories_by_cause()), set(CAUSES))

    def test_every_cause_has_its_page_and_every_page_its_cause(self):
        pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README", "alerts"}
        self.assertEqual(pages, set(CAUSES))
        for cause in CAUSES:
            text = (RUNBOOKS / f"{cause}.md").read_text()
            self.assertTrue(text.startswith(f"# {cause}\n"), cause)
            self.assertIn("**At 3 a.m.**: ", text, cause)

    def test_a_page_has_a_row_for_each_explanation_of_its_cause_and_no_other(self):
        for cause, stories in stories_by_cause().items():
            self.assertEqual(rows(RUNBOOKS / f"{cause}.md"), stories, cause)

    def test_every_explanation_is_one(self):
        for page in RUNBOOKS.glob("*.md"):
            self.assertLessEqual(rows(page), set(STORIES), page)
        told = set().union(*(rows(RUNBOOKS / f"{cause}.md") for cause in CAUSES))
        self.assertEqual(told, set(STORIES))

    def test_the_index_names_every_cause(self):
        index = (RUNBOOKS / "README.md").read_text()
        for cause in CAUSES:
            self.assertIn(f"[{cause}]({cause}.md)", index)


if __name__ == "__main__":
    unittest.main()
