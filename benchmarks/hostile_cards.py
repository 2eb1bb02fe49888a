"""How long hostile cards take: `python benchmarks/hostile_cards.py [--megabytes 10] [--rounds 3]`.

Each card is one pattern repeated; it is read and audited by all rules at a hundredth, at a tenth and at the
full size. The bound is 50 ms of processor time for each 100 KB (of UTF-8) at each size from 100 KB on; the
best of the rounds counts, and none knows what an earlier one remembered. A ratio near 1 of the full size to a
tenth of it means linear time.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import time
from functools import lru_cache
from string import ascii_letters
from typing import Any

from repro.cards import read_card
from repro.rules import RuleSet, check
from repro.rules.builtin import builtin

PAGE, STATED, VERSIONS = (
    "<!doctype html><html><body>",
    "### Training hyperparameters\n\n",
    "### Framework versions\n\n",
)
RESULTS, ACHIEVES = "### Training results\n\n", "It achieves the following results on the evaluation set:\n"
USED = "The following hyperparameters were used during training:\n"
ROW = "| 1.5 | {n}.0 | {n}00 | 1.4 |\n"
TABLE = "### Training results\n\n| Training Loss | Epoch | Step | Validation Loss |\n|---|---|---|---|\n"
WIDE = "| 1.{n} | {n} | {n}0 |" + " {loss} |" * 9 + "\n"
WIDE_TABLE = (
    f"{ACHIEVES}- Loss: 0.5\n\n{RESULTS}"
    "| Training Loss | Epoch | Step | Validation Loss | Accuracy | F1 | Precision | Recall | Bleu | Rouge1 |"
    " Rouge2 | Gen Len |\n" + "|---" * 12 + "|\n"
)
#: Name to (head, repeated pattern, tail). `{n}` counts, `{ab}` are two letters, `{loss}` falls unsteadily.
CARDS: dict[str, tuple[str, str, str]] = {
    "pipes": ("", "|", ""),
    "pipes in lines": ("", "|" * 100 + "\n", ""),
    "pipe and dash": ("", "|-", ""),
    "rows of dashes": ("", "|---|---|\n", ""),
    "dashes": ("", "-", ""),
    "bullets": ("", "- a: 1\n", ""),
    "nested bullets": ("", "- " * 50 + "\n", ""),
    "one name stated again": (STATED, "- learning_rate: 1\n", ""),
    "names nearly right": (STATED, "- {ab}gradient_accumulation_stepq: 1\n", ""),
    "short names nearly right": (STATED, "- train_{ab}ze: 1\n", ""),
    "values over-written": (STATED, "- learning_rate: {n} * {n} = x\n", ""),
    "optimizers": (STATED, "- optimizer: Adam with betas=(0.{n},0.999) and epsilon=1e-08\n", ""),
    "names stated": (STATED, "- n{n}: {n}\n", ""),
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
    "page of tags": (PAGE, "<p>", "</body></html>"),
    "page of open tags": (PAGE, "<a ", ""),
    "page of less-than": (PAGE, "<", ""),
    "page of entities": (PAGE, "&", ""),
    "page of tables": (PAGE, "<table><tr><td>", ""),
    "page of comments": (PAGE, "<!--", ""),
    "page of rows": (PAGE + "<table>", "<tr><td>1.0<td>2</tr>\n", "</table>"),
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
    "short bullets": ("", "- a\n", ""),
    "star bullets": ("", "* a\n", ""),
    "bare bullets": ("", "-\n", ""),
    "typographic bullets": ("", "•\n", ""),
    "indented bullets": ("", "    - a: 1\n", ""),
    "numbered list": ("", "{n}. a\n", ""),
    "empty lines": ("a", "\n", ""),
    "single letters": ("", "a\n", ""),
    "single equals": ("", "a=1\n", ""),
    "pairs": ("", "a: 1\n", ""),
    "numbered pairs": ("", "k{n}: {n}\n", ""),
    "announced pairs": (USED, "k{n}: {n}\n", ""),
    "announcements": ("", USED, ""),
    "announcements with one": ("", USED + "- a: 1\n\n", ""),
    "achieves": ("", ACHIEVES + "- loss: 1\n\n", ""),
    "achieves, many": (ACHIEVES, "- a{n}: 0.{n}\n", ""),
    "results by name": (ACHIEVES + "- ", "A{n}: 0.{n}, ", ""),
    "hyperparameter sections": ("", "# hyperparameters\n- a: 1\n", ""),
    "hyperparameters of the Trainer": (STATED, "- learning_rate: {n}e-5\n", ""),
    "hyperparameters in words": (STATED, "- Learning rate {n}: {n}\n", ""),
    "version sections": ("", "# Framework versions\n- Torch 1.0\n", ""),
    "versions": (VERSIONS, "- Transformers 4.{n}.0\n", ""),
    "versions of many": (VERSIONS, "- p{n} 1.{n}\n", ""),
    "versions, local": (VERSIONS, "- Pytorch 1.{n}.0+cu{n}\n", ""),
    "versions, odd": (VERSIONS, "- Transformers 4.{n}.0.dev0+a.b.c.d.e.f\n", ""),
    "versions of great length": ("### Framework versions\n\n- Transformers 4.", "1.", "\n"),
    "versions, short": (VERSIONS, "- a 1.0\n", ""),
    "versions in a line": (VERSIONS, "a 1.0, ", ""),
    "versions without a title": ("", "- torch 1.{n}\n", ""),
    "versions as pairs": ("torch\n", "a{n}: 1.{n}\n", ""),
    "small tables": ("", "|a|b|\n|-|-|\n|1|2|\n\n", ""),
    "smaller tables": ("", "a|\n-|\n", ""),
    "tables with numbers": ("", "| a | b |\n|---|---|\n| 0.{n} | {n} |\n\n", ""),
    "logs": ("", "|Epoch|Loss|\n|---|---|\n|1|0.{n}|\n\n", ""),
    "logs with headings": ("", "# Training results\n|Epoch|Loss|\n|---|---|\n|1|0.{n}|\n\n", ""),
    "one column": ("|a|\n|-|\n", "|1|\n", ""),
    "one column of numbers": ("| a |\n|---|\n", "| {n}.5 |\n", ""),
    "one column of epochs": (RESULTS + "| Epoch |\n|---|\n", "|{n}|\n", ""),
    "one column of losses": (RESULTS + "| Loss |\n|---|\n", "|{loss}|\n", ""),
    "two columns": ("|a|b|\n|-|-|\n", "|1|2|\n", ""),
    "rows of empty cells": ("|a|b|\n|-|-|\n", "|||\n", ""),
    "rows of many empty cells": ("|a|b|\n|-|-|\n", "|" * 200 + "\n", ""),
    "rows of unequal length": ("|a|b|\n|-|-|\n", "|1|\n|1|2|3|\n", ""),
    "two-column hyperparameters": ("### Hyperparameters\n\n|a|b|\n|-|-|\n", "|k{n}|{n}|\n", ""),
    "twelve columns": (WIDE_TABLE, WIDE, ""),
    "losses": (TABLE, "| {loss} | {n}.0 | {n}00 | {loss} |\n", ""),
    "losses of five decimals": (TABLE, "| {loss}1 | {n}.0 | {n}00 | {loss} |\n", ""),
    "losses and words": (TABLE, "| {loss} | {n}.0 | {n}00 | {loss} |\n| a | b | c | d |\n", ""),
    "losses, steps stand still": (TABLE, "| {loss} | 1.0 | 100 | {loss} |\n", ""),
    "no log": (TABLE, "| No log | {n}.0 | {n}00 | {loss} |\n", ""),
    "nan": (TABLE, "| nan | {n}.0 | {n}00 | nan |\n", ""),
    "wide results": (RESULTS + "|a" * 500 + "|\n" + "|-" * 500 + "|\n", "|1" * 500 + "|\n", ""),
    "tables of losses": ("", TABLE + "| {loss} | 1.0 | 100 | {loss} |\n\n", ""),
    "aligned headers": ("", "epoch loss\n", ""),
    "aligned logs": ("", "epoch  loss\n1  2\n\n", ""),
    "aligned words": ("Epoch  Step  Loss\n", "1  2  No log\n", ""),
    "front matter, lists of words": ("---\ntags:\n", "- t{n}\n", "---\n"),
    "front matter, data sets": ("---\ndatasets:\n", "- d{n}\n", "---\n"),
    "front matter, languages": ("---\nlanguage:\n", "- l{n}\n", "---\n"),
    "front matter, long text": ("---\na: ", "b ", "\n---\n"),
    "front matter, quoted": ("---\n", "k{n}: 'v'\n", "---\n"),
    "front matter, escapes": ("---\n", "k{n}: \"\\x41\"\n", "---\n"),
    "front matter, flow": ("---\n", "k{n}: [a, b]\n", "---\n"),
    "front matter, flow of many": ("---\na: [", "b, ", "]\n---\n"),
    "front matter, flow of maps": ("---\na: [", "{}, ", "]\n---\n"),
    "front matter, tags": ("---\n", "k{n}: !!python/object:os.system a\n", "---\n"),
    "front matter, anchors": ("---\n", "k{n}: &a{n} [*a{n}, *a{n}]\n", "---\n"),
    "front matter, blocks": ("---\n", "k{n}: |\n  a\n", "---\n"),
    "front matter, deeper": ("---\n", "{n}:\n", "---\n"),
    "front matter, merge": ("---\na: &a {b: c}\nd:\n", "  <<: *a\n", "---\n"),
    "front matter, model-index": (
        "---\nmodel-index:\n- name: m\n  results:\n",
        "  - task:\n      type: t\n    dataset:\n      name: d\n      type: d\n"
        "    metrics:\n    - type: loss\n      value: {n}\n",
        "---\n",
    ),
    "front matter, metrics": (
        "---\nmodel-index:\n- name: m\n  results:\n  - metrics:\n",
        "    - type: a{n}\n      value: {n}\n",
        "---\n",
    ),
    "front matter, models": ("---\nmodel-index:\n", "- name: m{n}\n  results: []\n", "---\n"),
    "front matter, keys nearly right": ("---\n", "licens{n}: a\n", "---\n"),
    "front matter, longer keys nearly right": ("---\n", "library_na{n}e: a\n", "---\n"),
    "front matter, metrics nearly right": ("---\nmetrics:\n", "- accurac{n}\n", "---\n"),
    "front matter, tasks": ("---\npipeline_tag:\n", "- text-classificatio{n}\n", "---\n"),
    "front matter, licences": ("---\nlicense:\n", "- apache-{n}.0\n", "---\n"),
    "front matter, tags nearly right": ("---\ntags:\n", "- text-classificatio{n}\n", "---\n"),
    "front matter, base models": ("---\nbase_model:\n", "- a{n}/bert-base\n", "---\n"),
    "front matter, languages nearly right": ("---\nlanguage:\n", "- englis{n}\n", "---\n"),
    "front matter, indexed metrics": (
        "---\nmodel-index:\n- name: m\n  results:\n  - task: {type: a}\n    metrics:\n",
        "    - type: accurac{n}\n      value: 0.{n}\n",
        "---\n\n" + ACHIEVES + "- Accuracy: 0.5\n",
    ),
    "front matter, nested": ("---\na:\n", "  - b:\n    - c\n", "---\n"),
    "rules": ("", "---\n", ""),
    "headings of results": ("", "# Results\n", ""),
    "headings of versions": ("", "# Version {n}\n", ""),
    "headings without text": ("", "#\n", ""),
    "plain titles": ("", "**Results**\n", ""),
    "plain titles and pairs": ("", "Training results\na: 1\n", ""),
    "underlined": ("", "a\n---\n", ""),
    "closed fences": ("", "```\na\n```\n", ""),
    "closed short fences": ("", "```\n```\n", ""),
    "tilde fences": ("", "~~~\n", ""),
    "fences of two kinds": ("", "```\n~~~\n", ""),
    "longer fences": ("", "````\n```\n", ""),
    "indented code": ("", "    a = {n}\n", ""),
    "comment lines": ("", "<!-- a -->\n", ""),
    "comment ends": ("", "-->\n", ""),
    "comment begun": ("", "<!--\n", ""),
    "comments, open and closed": ("", "<!--\n-->\n", ""),
    "links in lines": ("", "[a](b)\n", ""),
    "addresses": ("", "https://a.b/c ", ""),
    "addresses in lines": ("", "https://a.b/{n}\n", ""),
    "images": ("", "![a](b)\n", ""),
    "reference links": ("", "[a]: b\n", ""),
    "fine-tuned lines": ("", "fine-tuned version of [a](b) on the c dataset.\n", ""),
    "emphasis in lines": ("", "**a**\n", ""),
    "underscores": ("", "_", ""),
    "code spans": ("", "`a` ", ""),
    "stars": ("", "*", ""),
    "stars and letters": ("", "*a", ""),
    "words in a line": ("", "word ", ""),
    "colons": ("", ": ", ""),
    "colons in lines": ("", ":\n", ""),
    "open pairs": ("", "a:\n", ""),
    "announcing bullets": ("", "- a:\n", ""),
    "commas": ("", "a, ", ""),
    "equals": ("", "=", ""),
    "equals in lines": ("", "=\n", ""),
    "numbers": ("", "1.5 ", ""),
    "numbers in lines": ("", "0.{n}\n", ""),
    "percentages": ("", "50% ", ""),
    "samples": ("", "{n} samples\n", ""),
    "samples in a line": ("", "1 training examples ", ""),
    "dates": ("", "2020-01-01 ", ""),
    "paths": ("", "/home/a/b ", ""),
    "paths in lines": ("", "/home/u{n}/x\n", ""),
    "Windows paths": ("", "C:\\Users\\a ", ""),
    "mail addresses": ("", "a@b.c ", ""),
    "mail addresses in lines": ("", "a{n}@b.com\n", ""),
    "at signs": ("", "a@", ""),
    "keys in lines": ("", "api_key = 'aaaaaaaaaaaaaaaaaaaaaaaaa{n}'\n", ""),
    "tokens in lines": ("", "hf_{n}abcdefghijklmnopqrstuvwxyzABCDEFGH\n", ""),
    "tokens of Amazon": ("", "AKIA", ""),
    "base64": ("", "QUJD", ""),
    "base64 images": ("", "<img src=\"data:image/png;base64,QUJD\">\n", ""),
    "private keys": ("", "-----BEGIN RSA PRIVATE KEY-----\n", ""),
    "commands": ("", "pip install a\n", ""),
    "remote code": ("", "trust_remote_code=True\n", ""),
    "loading": ("", "AutoModel.from_pretrained('a')\n", ""),
    "pickles": ("", "torch.load('a')\n", ""),
    "placeholders": ("", "More information needed\n", ""),
    "placeholders in brackets": ("", "[More Information Needed]\n", ""),
    "javascript": ("", "[a](javascript:b)\n", ""),
    "frames": ("", "<iframe src=a>\n", ""),
    "entities": ("", "&amp;", ""),
    "entities in lines": ("", "&#x{n};\n", ""),
    "no-break spaces": ("a", "\u00a0", ""),
    "wide spaces in lines": ("a\n", "\u3000\n", ""),
    "line separators": ("a", "\u2028", ""),
    "form feeds": ("a", "\f", ""),
    "carriage returns": ("a", "\r", ""),
    "returns and feeds": ("a", "\r\n", ""),
    "nothing": ("a", "\0", ""),
    "no UTF-8": ("a", "\ufffd", ""),
    "no UTF-8 in lines": ("", "\ufffd\n", ""),
    "right to left": ("a", "\u202e", ""),
    "combining": ("a", "\u0301", ""),
    "dotted capital": ("", "\u0130", ""),
    "dotted capital in lines": ("", "\u0130\n", ""),
    "Chinese": ("", "\u4e2d", ""),
    "Chinese in lines": ("", "\u4e2d\u6587\n", ""),
    "homoglyphs": ("", "\u0430dam ", ""),
    "emoji": ("", "\U0001f917", ""),
    "digits of other scripts": ("- loss: ", "\u0661", ""),
    "tables in Markdown, many": ("", "<table><tr><td>1</td><td>2</td></tr></table>\n", ""),
    "tables in Markdown, in one line": ("", "<table><tr><td>1</td><td>2</td></tr></table>", ""),
    "tables in Markdown, empty": ("", "<table></table>\n", ""),
    "tags in Markdown": ("a\n", "<b>a</b>\n", ""),
    "page of paragraphs": (PAGE, "<p>a</p>\n", "</body></html>"),
    "page of breaks": (PAGE, "<br>", "</body></html>"),
    "page of breaks and letters": (PAGE, "a<br>", "</body></html>"),
    "page of bold": (PAGE, "<b>", "</body></html>"),
    "page of letters and bold": (PAGE, "a<b>", "</body></html>"),
    "page of list items": (PAGE + "<ul>", "<li>", "</ul>"),
    "page of list items with text": (PAGE + "<ul>", "<li>a: {n}</li>\n", "</ul>"),
    "page of headings": (PAGE, "<h1>", "</body></html>"),
    "page of headings with text": (PAGE, "<h2>a</h2>", "</body></html>"),
    "page of cells": (PAGE + "<table>", "<td>", ""),
    "page of cells in rows": (PAGE + "<table>", "<tr><td>", ""),
    "page of filled cells": (PAGE + "<table><tr>", "<td>1", ""),
    "page of spans": (PAGE + "<table>", "<tr><td rowspan=99 colspan=99>", ""),
    "page of whole tables": (PAGE, "<table><tr><td>1<td>2</table>", ""),
    "page of empty tables": (PAGE, "<table></table>", ""),
    "page of losses": (
        PAGE + "<table><tr><th>Training Loss<th>Epoch<th>Step<th>Validation Loss</tr>",
        "<tr><td>{loss}<td>{n}.0<td>{n}00<td>{loss}</tr>\n",
        "</table>",
    ),
    "page of code": (PAGE, "<pre><code>a</code></pre>", ""),
    "page of preformatted lines": (PAGE + "<pre>", "a\n", ""),
    "page of scripts": (PAGE, "<script></script>", ""),
    "page of open scripts": (PAGE, "<script>", ""),
    "page of closed comments": (PAGE, "<!---->", ""),
    "page of declarations": (PAGE, "<!>", ""),
    "page of attributes": (PAGE + "<p ", "a=b ", ">"),
    "page of quotes": (PAGE + "<p ", "a='", ">"),
    "page of text": (PAGE, "a\n", ""),
    "page of named entities": (PAGE, "&amp;", ""),
    "page of odd entities": (PAGE, "&#x110000;", ""),
    "page of announcing lines": (PAGE, "a:\n", ""),
}  # fmt: skip


def build(name: str, size: int) -> str:
    """Return the card of a name with about `size` bytes of UTF-8."""
    head, pattern, tail = CARDS[name]
    bytes_each = len(pattern.encode())
    if not any(mark in pattern for mark in ("{n}", "{ab}", "{loss}")):
        return head + pattern * (size // bytes_each) + tail
    chance = random.Random(name)  # noqa: S311 - losses, not secrets
    parts: list[str] = []
    while size > 0:
        n = len(parts) + 1
        letters = ascii_letters[n % 52] + ascii_letters[n // 52 % 52]
        part = pattern.replace("{n}", str(n)).replace("{ab}", letters)
        while "{loss}" in part:
            part = part.replace("{loss}", f"{3 / (1 + n / 200) ** 0.5 + chance.random() / 5:.4f}", 1)
        parts.append(part)
        size -= len(part)
    return head + "".join(parts) + tail


def caches() -> list[Any]:
    """Return what remembers parts of cards; what was read from the program's own files may stay."""
    wrapper = type(lru_cache(build))
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, wrapper)
        and each.__module__.startswith("repro.")
        and (each.cache_parameters()["maxsize"] or 0) > 1
    ]


def cost(text: str, rules: RuleSet, rounds: int) -> float:
    """Return how many milliseconds of processor time reading and all rules take for each 100 KB.

    Nothing of an earlier card is remembered, the least of the rounds counts.
    """
    known = caches()
    taken: list[float] = []
    for _ in range(rounds):
        for each in known:
            each.cache_clear()
        start = time.process_time()
        check(read_card(text, target="card.md"), rules)
        taken.append(time.process_time() - start)
    return min(taken) * 1e3 / (len(text.encode()) / 1e5)


def warm(rules: RuleSet) -> None:
    """Import what is imported when a card needs it first: that is no part of a card's time."""
    for name in ("front matter, flow", "twelve columns"):
        cost(build(name, 200_000), rules, 1)


def main() -> None:
    """Print each card as it is measured, then the slowest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[""], metavar="PART")
    options = parser.parse_args()
    rules = RuleSet.of(builtin())
    sizes = [int(options.megabytes * 1e6 / part) for part in (100, 10, 1)]
    warm(rules)
    # As `repro audit` does.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    print(f"{platform.machine()}, Python {platform.python_version()}; ms for each 100 KB\n")
    print("| card |" + "".join(f" {size / 1e6:g} MB |" for size in sizes) + " ratio |\n|---|---|---|---|---|")
    worst = (0.0, "")
    for name in CARDS:
        if any(part in name for part in options.only):
            each = [cost(build(name, size), rules, options.rounds) for size in sizes]
            worst = max(
                worst, *[(taken, name) for taken, size in zip(each, sizes, strict=True) if size >= 1e5]
            )
            row = "".join(f" {taken:.1f} |" for taken in each)
            print(f"| {name} |{row} {each[2] / each[1]:.2f} |", flush=True)
    print(f"\nslowest: {worst[1]}, {worst[0]:.1f} ms; bound 50 ms: {'kept' if worst[0] < 50 else 'BROKEN'}")


if __name__ == "__main__":
    main()
