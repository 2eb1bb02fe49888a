"""Write `docs/rules/`: one page for each built-in rule, and an index, from the rules' docstrings.

python tools/rule_pages.py            # writes what has changed, removes pages of rules that are gone
python tools/rule_pages.py --check    # writes nothing; exit code 1 where a page is not what the code gives
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from repro.reports.rule_pages import rule_index, rule_page
from repro.rules import Context
from repro.rules.builtin import builtin
from repro.testing import findings

FOLDER = Path(__file__).parents[1] / "docs" / "rules"
#: What rules say must not depend on the day on which the pages are written.
DAY = date(2026, 1, 1)


def pages() -> dict[str, str]:
    """Return the texts by file name; each page shows what its rule finds on its own example."""
    rules = builtin()
    made = {
        f"{rule.id}.md": rule_page(rule, findings(rule, rule.page.before, Context(today=DAY)))
        for rule in rules
    }
    return {"README.md": rule_index(rules), **made}


def main() -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    check: bool = parser.parse_args().check
    made = pages()
    there = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    changed = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    for name in changed:
        sys.stdout.write(f"{'differs' if check else 'written' if name in made else 'removed'}: {name}\n")
    if not check:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in changed:
            if name in made:
                (FOLDER / name).write_text(made[name])
            else:
                (FOLDER / name).unlink()
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
