"""The stand-alone verifier stays small enough to be read in one sitting, and stands alone."""

import ast
import sys

from tests.data import ROOT

LINES_MAX = 500
PATH = ROOT / "audit" / "standalone.py"


def code_lines() -> int:
    """Lines that hold code: blank ones, comments and docstrings do not."""
    text = PATH.read_text()
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            first = node.body[0]
            documented |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    return sum(
        1
        for number, line in enumerate(text.splitlines(), start=1)
        if number not in documented and line.strip() and not line.strip().startswith("#")
    )


def test_verifier_is_at_most_500_lines_of_code() -> None:
    assert code_lines() <= LINES_MAX


def test_verifier_imports_the_standard_library_and_cryptography_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(PATH.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").split(".")[0])
    assert names - {"cryptography"} <= sys.stdlib_module_names
