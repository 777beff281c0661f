"""Holds the coverage bars: 100 % of branches where money and proof are at stake, 90 % elsewhere."""

import json
import sys
from collections import defaultdict
from pathlib import Path

# The longest matching prefix decides.
BARS = {
    "": 90.0,
    "audit/": 100.0,
    "policies/": 100.0,
    "finsvc/calculators/": 100.0,
    "finsvc/validator/": 100.0,
}


def shortfalls(report: dict[str, object]) -> list[str]:
    """Return a sentence for each part of the tree that is below its bar."""
    files = report["files"]
    assert isinstance(files, dict)
    covered: defaultdict[str, int] = defaultdict(int)
    total: defaultdict[str, int] = defaultdict(int)
    missing: defaultdict[str, list[str]] = defaultdict(list)
    for name, entry in files.items():
        part = max((prefix for prefix in BARS if name.startswith(prefix)), key=len)
        summary = entry["summary"]
        covered[part] += summary["covered_lines"] + summary["covered_branches"]
        total[part] += summary["num_statements"] + summary["num_branches"]
        if summary["missing_lines"] or summary["missing_branches"]:
            missing[part].append(name)
    found = []
    for part, bar in BARS.items():
        percent = 100.0 * covered[part] / total[part] if total[part] else 100.0
        if percent < bar:
            names = ", ".join(sorted(missing[part])[:12])
            found.append(f"{part or 'the rest'}: {percent:.2f} %, bar {bar:.0f} % ({names})")
    return found


def main() -> int:
    """Read a coverage report and return 1 when a bar is missed."""
    failures = shortfalls(json.loads(Path(sys.argv[1]).read_text()))
    for sentence in failures:
        sys.stderr.write(f"coverage below its bar: {sentence}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
