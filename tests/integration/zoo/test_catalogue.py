"""The catalogue of hangs itself, without a server: it is whole, and the README says what it says."""

import os
import pkgutil

from . import hangs, readme
from .hang import catalogue


def test_every_file_holds_one_hang():
    assert sorted(one.name for one in catalogue()) == sorted(module.name for module in pkgutil.iter_modules(hangs.__path__))


def test_every_hang_says_what_it_is_and_what_others_make_of_it():
    for one in catalogue():
        for words in (one.title, one.terminate_says, one.pstack_does, one.pghangd_says, one.cause, one.explanation):
            assert words and "|" not in words and "\n" not in words, one


def test_the_readme_table_is_the_catalogue():
    before, table, after = readme.split(readme.README.read_text())
    if "PGHANG_REGENERATE" in os.environ:
        readme.README.write_text(before + readme.table() + after)
        return
    assert table == readme.table(), "PGHANG_REGENERATE=1 writes it anew"
