"""How much of a card is read: `python benchmarks/read_cards.py --cards FOLDER`, `--generator`, or both.

With `--cards`, real cards (`*.md`) are read, and every line that looks like a claim is looked for among the
claims. What looks like a claim is decided here, by simple means that share nothing with the readers; whatever
was not read is listed with file and line. The other way round, each claim must be printed on the line that it
names.

With `--generator`, several releases of transformers are installed one after the other into a temporary folder
(by uv, from the index that it is configured for); each prints cards with its own generator, for random
trainings, and everything that was printed must come back exactly.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.cards import read_card
from repro.environments.interpreters import find_interpreter
from repro.records.card import Card

DRIVER = Path(__file__).with_name("print_cards.py")
#: Release, the Python for it, and the day whose packages it gets: other packages broke it later.
RELEASES = (
    ("4.6.1", "3.8", "2021-06-01"),
    ("4.9.2", "3.8", "2021-08-20"),
    ("4.11.3", "3.9", "2021-11-01"),
    ("4.21.2", "3.9", "2022-09-20"),
    ("4.30.2", "3.10", "2023-07-01"),
    ("4.36.2", "3.10", "2024-01-10"),
    ("4.46.3", "3.10", "2024-12-01"),
    ("4.57.1", "3.11", "2025-10-30"),
    ("5.0.0", "3.12", "2026-02-15"),
)
PACKAGES = {"Pytorch": "torch"}

CLAIM = re.compile(r"^\s*(?:[-*+•]\s+)?[*_`]{0,3}(\w[\w /@().+-]{0,60})[*_`]{0,3}\s?[:=][*_`]{0,2}\s*(\S.*)$")
VERSION = re.compile(
    r"^\s*[-*+•]\s+\W*(Python|Transformers|Py[Tt]orch|TensorFlow|Datasets|Tokenizers|PEFT|TRL|Accelerate|SetFit"
    r"|Sentence Transformers)\W+v?(\d\S*)"
)
SECTION = re.compile(
    r"hyper-?\s?param|metric|result|evaluation(?! data)|performance|training logs", re.IGNORECASE
)
PROSE = re.compile(
    r"data\b|limitations|usage|use\b|source|description|license|citation|warranty|criteria", re.IGNORECASE
)
KEYS = ("license", "base_model", "pipeline_tag")


def main() -> None:
    """Read the command line and print what it asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cards", type=Path, metavar="FOLDER", help="a folder of real cards")
    parser.add_argument("--generator", action="store_true", help="cards printed by transformers itself")
    parser.add_argument("--count", type=int, default=300, help="cards of each release")
    options = parser.parse_args()
    good = True
    if options.cards:
        good &= real(options.cards)
    if options.generator:
        with tempfile.TemporaryDirectory() as folder:
            for release in RELEASES:
                good &= generated(*release, options.count, Path(folder))
    sys.exit(not good)


def real(folder: Path) -> bool:
    """Count what was read on real cards; tell whether it is 99 % of it and nothing else."""
    noted: Counter[str] = Counter()
    read: Counter[str] = Counter()
    unprinted = 0
    for path in sorted(folder.glob("*.md")):
        text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
        card = read_card(text, target=path.name)
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        stated = statements(card)
        places: dict[tuple[str, str, str], list[int]] = {}
        for sort, line, name, what in looks_like_claims(lines):  # the same name and text again is one claim
            places.setdefault((sort, name or str(line), what), []).append(line)
        for (sort, _, what), at in places.items():
            noted[sort] += 1
            if any(line in at and what in printed for line, printed in stated):
                read[sort] += 1
            else:
                first = lines[at[0] - 1].strip()[:100]
                print(f"not read: {path.name}:{at[0]}: {first} ({sort}: {what[:40]})")
        for line, printed in stated:
            more = 20 if "<" in lines[line - 1] else printed.count("\n")  # HTML may print a cell a line
            below = lines[line - 1 : line + more]
            below = [re.sub(r"<[^<>]*>", "", text) for text in below] + below
            if line and any(not any(part in text for text in below) for part in printed.split("\n")):
                unprinted += 1
                print(f"not printed: {path.name}:{line}: {printed[:60]}")
    for sort, count in noted.items():
        print(f"{sort:16} {read[sort]:6} of {count:6} read")
    share = read.total() / max(noted.total(), 1)
    print(f"{'all':16} {read.total():6} of {noted.total():6} read: {share:.2%}; not printed: {unprinted}")
    return share >= 0.99 and not unprinted


def statements(card: Card) -> set[tuple[int, str]]:
    """Return the line and the text of everything that was read; metadata has no line of its own."""
    claims = card.claims
    found = {
        (c.line, c.text)
        for group in (claims.hyperparameters, claims.versions, claims.evaluation)
        for c in group.values()
    }
    for table in (*claims.tables, *([claims.results] if claims.results else [])):
        found |= {(row.line, cell.text) for row in table.rows for cell in row.cells}
    metadata = (claims.license, claims.base_model, claims.task, claims.name, *claims.datasets)
    return found | {(0, text) for text in metadata if text}


def looks_like_claims(lines: list[str]) -> Iterator[tuple[str, int, str, str]]:
    """Yield sort, line (0 for metadata), name if any, and text of what a careful reader notes."""
    body = 0
    if lines[0] == "---" and "---" in lines[1:]:
        body = lines.index("---", 1) + 1
        yield from front_matter(lines[1 : body - 1])
    title, code, comment, announced = "", False, False, False
    for i in range(body, len(lines)):
        line = lines[i]
        if line.lstrip().startswith("```"):
            code = not code
            continue
        comment = (comment or "<!--" in line) and "-->" not in line
        if code or comment or "<!--" in line:
            if re.match(r"\s+\w+ += ", line) and "metrics *****" in "".join(lines[max(0, i - 20) : i]):
                name, _, text = line.partition("=")
                yield "logged metrics", i + 1, name.strip(), text.strip()
            continue
        if line.startswith("#"):
            title, announced = line, False
        elif line.count("|") >= 2:
            rule = next(
                (
                    j
                    for j in range(i - 1, body, -1)
                    if "|" not in lines[j] or re.fullmatch(r"[|:\s-]+", lines[j])
                ),
                0,
            )
            if "|" in lines[rule] and not re.fullmatch(r"[|:\s-]+", line):
                yield from (
                    ("cells", i + 1, "", cell.strip())
                    for cell in line.strip().strip("|").split("|")
                    if cell.strip()
                )
        elif found := VERSION.match(line):
            yield "versions", i + 1, "", found[2]
        elif "achieves" in line or "hyperparameters were used" in line or "config was used" in line:
            announced = True
        elif found := CLAIM.match(line):
            listed = re.match(r"\s*[-*+•]\s", line)
            titled = SECTION.search(title) and not PROSE.search(title) and (listed or found[2][0].isdigit())
            if titled or (announced and listed):
                sort = "hyperparameters" if "param" in title.lower() or "_" in found[1] else "results"
                yield sort, i + 1, found[1].strip(), found[2].strip()


def front_matter(lines: list[str]) -> Iterator[tuple[str, int, str, str]]:
    """Yield the licence, base model, task and data sets of a front matter."""
    key = ""
    for line in lines:
        name, _, text = line.partition(":")
        key = name if re.fullmatch(r"[a-z][\w-]*", name) else key
        text = text.strip() if name == key else line.strip().removeprefix("- ").strip()
        if text.strip("'\"") and (key in KEYS or (key == "datasets" and text != "None")):
            yield "metadata", 0, "", text.strip("'\"")


def generated(release: str, python: str, day: str, count: int, folder: Path) -> bool:
    """Have one release print cards; tell whether each was read as it was printed."""
    interpreter = find_interpreter(python).path
    home = folder / release
    wheels = ("--only-binary", ":all:", "--exclude-newer", f"{day}T00:00:00Z")
    subprocess.run(["uv", "venv", "--quiet", "--python", interpreter, home], check=True)
    own = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    packages = (f"transformers=={release}", "pyyaml", "requests", "packaging")
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", own, *wheels, *packages], check=True)
    printed = subprocess.run(
        [own, DRIVER, str(count), "1"], check=True, capture_output=True, text=True
    ).stdout
    cards = [json.loads(line) for line in printed.splitlines()]
    claims: Counter[str] = Counter()
    wrong = 0
    for at, expected in enumerate(cards):
        for what, should, was in differences(expected):
            claims[what] += 1
            if should != was:
                wrong += 1
                print(f"{release} card {at}: {what}: printed {should!r}, read {was!r}")
    print(f"transformers {release}: {len(cards)} cards, {claims.total()} claims, {wrong} read wrongly")
    return not wrong


def differences(expected: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what was printed, beside what was read, claim by claim."""
    card = read_card(expected["card"], target="generated")
    claims = card.claims
    yield "kind", expected["kind"], card.kind
    for name in ("name", "base_model", "license"):
        yield name, expected[name], getattr(claims, name)
    yield "datasets", expected["datasets"], list(claims.datasets)
    groups = (
        ("hyperparameters", claims.hyperparameters, expected["hyperparameters"]),
        (
            "versions",
            claims.versions,
            {PACKAGES.get(k, k.lower()): v for k, v in expected["versions"].items()},
        ),
        ("evaluation", claims.evaluation, {snake(k): v for k, v in expected["evaluation"].items()}),
    )
    for what, found, printed in groups:
        yield f"number of {what}", sorted(printed), sorted(found)
        for name, text in printed.items():
            yield what, text, found[name].text if name in found else None
            yield f"value in {what}", meaning(text, what), found[name].value if name in found else None
    rows = claims.results.rows if claims.results else ()
    yield "header", expected["header"], list(claims.results.header) if claims.results else []
    yield "number of rows", len(expected["rows"]), len(rows)
    for printed_row, row in zip(expected["rows"], rows, strict=False):
        yield "number of cells", len(printed_row), len(row.cells)
        for text, cell in zip(printed_row, row.cells, strict=False):
            yield "cells", text, cell.text
            yield "value of cells", meaning(text, "cells"), cell.value
    yield "further tables", 0, len(claims.tables)


def snake(printed: str) -> str:
    """Return a metric's name in lower snake case, as simply as can be."""
    return printed.lower().replace(" ", "_")


def meaning(text: str, what: str) -> Any:
    """Return what a printed text means: numbers as numbers, `No log` as nothing, all else as printed."""
    if what == "versions" or text in ("nan", "inf"):
        return text
    if text in ("True", "False", "No log"):
        return {"True": True, "False": False, "No log": None}[text]
    try:
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
