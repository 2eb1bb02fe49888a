"""How long hostile cards take: `python benchmarks/hostile_cards.py [--megabytes 10]`.

Each card is one pattern repeated; it is read and audited by all rules at a tenth of the size and at the full
size. The bound is 50 ms of processor time for each 100 KB at both sizes; a ratio of the two near 1 means
linear time.
"""

from __future__ import annotations

import argparse
import platform
import time

from repro.cards import read_card
from repro.rules import RuleSet, check
from repro.rules.builtin import builtin

ROW = "| 1.5 | {n}.0 | {n}00 | 1.4 |\n"
TABLE = "### Training results\n\n| Training Loss | Epoch | Step | Validation Loss |\n|---|---|---|---|\n"
#: Name to (head, repeated pattern, tail).
CARDS: dict[str, tuple[str, str, str]] = {
    "pipes": ("", "|", ""),
    "pipes in lines": ("", "|" * 100 + "\n", ""),
    "pipe and dash": ("", "|-", ""),
    "rows of dashes": ("", "|---|---|\n", ""),
    "dashes": ("", "-", ""),
    "bullets": ("", "- a: 1\n", ""),
    "nested bullets": ("", "- " * 50 + "\n", ""),
    "one name stated again": ("### Training hyperparameters\n\n", "- learning_rate: 1\n", ""),
    "names stated": ("### Training hyperparameters\n\n", "- n{n}: {n}\n", ""),
    "nested quotes": ("", ">", ""),
    "quotes in lines": ("", "> " * 50 + "\n", ""),
    "results table": (TABLE, ROW, ""),
    "words in a results table": (TABLE, "| a | b | c | d |\n", ""),
    "two columns exchanged": (TABLE, "| 1.{n} | {n}.0 | {n} | 2.{n} |\n", ""),
    "wide table": ("|", " a |", "\n|" + "---|" * 1000 + "\n"),
    "headings": ("", "# a\n", ""),
    "deeper headings": ("", "# a\n## b\n### c\n", ""),
    "open comments": ("", "<!-- ", ""),
    "comments": ("", "<!-- a -->", ""),
    "exceptions": ("", "<!-- repro: ignore RT201: because -->\n", ""),
    "open fences": ("", "```\na\n", ""),
    "open brackets": ("", "[", ""),
    "links": ("", "[a](b) ", ""),
    "fine-tuned of": ("", "fine-tuned version of [", ""),
    "front matter, lists": ("---\na: ", "[", "\n---\n"),
    "front matter, maps": ("---\na: ", "{a: ", "\n---\n"),
    "front matter, aliases": ("---\na: &a [x]\nb:\n", "- *a\n", "---\n"),
    "front matter, keys": ("---\n", "k{n}: v\n", "---\n"),
    "front matter, same key": ("---\n", "license: mit\n", "---\n"),
    "front matter, never closed": ("---\n", "a: b\n", ""),
    "front matter, indented": ("---\nmodel-index:\n", "  - name: a\n", "---\n"),
    "page of tags": ("<!doctype html><html><body>", "<p>", "</body></html>"),
    "page of open tags": ("<!doctype html><html><body>", "<a ", ""),
    "page of less-than": ("<!doctype html><html><body>", "<", ""),
    "page of entities": ("<!doctype html><html><body>", "&", ""),
    "page of tables": ("<!doctype html><html><body>", "<table><tr><td>", ""),
    "page of comments": ("<!doctype html><html><body>", "<!--", ""),
    "page of rows": ("<!doctype html><html><body><table>", "<tr><td>1.0<td>2</tr>\n", "</table>"),
    "tables in Markdown": ("", "<table><tr><td>1</td></tr>\n", ""),
    "article": ("", "• Seed: 42\n", ""),
    "rows without pipes": ("Training Loss Epoch Step Validation Loss\n-----\n", "1.5 {n}.0 {n}00 1.4\n", ""),
    "emphasis": ("", "**", ""),
    "backticks": ("", "`", ""),
    "digits": ("- loss: ", "9", ""),
    "tokens": ("", "hf_abcdefghij ", ""),
    "letters": ("", "a", ""),
    "key-like letters": ("", "api_key = \"", ""),
    "scripts": ("", "<script>", ""),
    "handlers": ("", "<img onerror=", ""),
    "zero width": ("", "\u200b", ""),
    "spaces": ("a", " ", ""),
    "space in lines": ("- a: b\n", " \n", ""),
    "tabs": ("a", "\t", ""),
}  # fmt: skip


def build(name: str, size: int) -> str:
    """Return the card of a name with about `size` characters."""
    head, pattern, tail = CARDS[name]
    if "{n}" in pattern:
        count = size // (len(pattern) + 4)
        return head + "".join(pattern.replace("{n}", str(n + 1)) for n in range(count)) + tail
    return head + pattern * (size // len(pattern)) + tail


def main() -> None:
    """Print the table, slowest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=10)
    options = parser.parse_args()
    rules = RuleSet.of(builtin())
    large = int(options.megabytes * 1e6)
    rows: list[tuple[float, str, float, float]] = []
    for name in CARDS:
        each: list[float] = []
        for size in (large // 10, large):
            text = build(name, size)
            start = time.process_time()
            check(read_card(text, target=name), rules)
            each.append((time.process_time() - start) * 1e3 / (len(text) / 1e5))
        rows.append((max(each), name, each[0], each[1]))
    print(f"{platform.machine()}, Python {platform.python_version()}; ms for each 100 KB\n")
    print(f"| card | {large / 1e7:g} MB | {large / 1e6:g} MB | ratio |\n|---|---|---|---|")
    for _, name, small, full in sorted(rows, reverse=True):
        print(f"| {name} | {small:.1f} | {full:.1f} | {full / small:.2f} |")
    worst = max(rows)
    print(f"\nslowest: {worst[1]}, {worst[0]:.1f} ms; bound 50 ms: {'kept' if worst[0] < 50 else 'BROKEN'}")


if __name__ == "__main__":
    main()
