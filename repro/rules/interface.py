"""What a rule is: one function, one idea, and a docstring that is its page in the documentation."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["error", "warning", "note"]
Profile: TypeAlias = Literal["default", "strict", "hub"]

FAMILIES: Mapping[str, str] = {
    "RM": "metadata",
    "RT": "table",
    "RH": "hyperparameters",
    "RE": "versions and environment",
    "RD": "data and provenance",
    "RC": "completeness",
    "RS": "safety",
}
_ID = re.compile(r"[A-Z]{2,5}[0-9]{3}")
_SECTION = re.compile(r"^(Why it matters|How to mend|Before|After):\n((?:[ \t]+.*\n?|\n)+)", re.MULTILINE)


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a rule found at one place of a card.

    Attributes:
        message: One line with the numbers in it. Texts of the card go in as `clip(text)`.
        line: The 1-based line in the whole file, None where the whole card is meant.
        evidence: The same for programs.
        severity: Another severity than the rule's, where this case is graver or more often legitimate.
        help: Another line on how to mend it than the rule's.
    """

    message: str
    line: int | None = None
    evidence: Mapping[str, Any] = {}
    severity: Severity | None = None
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A rule's docstring, taken apart.

    Attributes:
        title: Its first line.
        what: The paragraphs below it.
        why: Why it matters.
        mend: How to mend it; the first paragraph is the help shown with a finding.
        before: A whole small card on which the rule finds something.
        after: The same card, mended.
    """

    title: str
    what: str
    why: str
    mend: str
    before: str
    after: str
    help: str = field(init=False)  # the first paragraph of how to mend it, as one line

    def __post_init__(self) -> None:
        object.__setattr__(self, "help", " ".join(self.mend.split("\n\n", 1)[0].split()))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, as `rule(...)` makes it of a function.

    Attributes:
        id: E.g. `RT203`: the family, then a number; never used again for something else.
        severity: What its findings are unless they say otherwise.
        check: The function; yields what it finds.
        needs: The names of its parameters, which are names of `Subject`'s properties.
        page: Its documentation.
        profiles: The profiles that it belongs to.
    """

    id: str
    severity: Severity
    check: Callable[..., Iterable[Found]]
    needs: tuple[str, ...]
    page: Page
    profiles: frozenset[Profile]

    @property
    def family(self) -> str:
        """The letters of its id."""
        return self.id.rstrip("0123456789")


def rule(
    id: str,  # noqa: A002 - what it is called everywhere
    severity: Severity,
    *,
    profiles: Iterable[Profile] = ("default", "strict", "hub"),
) -> Callable[[Callable[..., Iterable[Found]]], Rule]:
    """Make a rule of a function; registers nothing, a family's module lists its rules in `RULES`.

    The function asks for what it looks at by the names of its parameters (see `Subject`). Where a card lacks
    one of them, the rule does not apply and is not called.

    Args:
        id: Two letters (plugins: up to five) and three digits.
        severity: `error` for what cannot be true, `warning` for what is very probably wrong, `note` for what
            is often legitimate.
        profiles: The profiles that it belongs to.

    Raises:
        ValueError: The id is none, or the docstring lacks a part.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"{id!r} is no rule id: letters and three digits, e.g. RT203")

    def decorate(check: Callable[..., Iterable[Found]]) -> Rule:
        return Rule(
            id=id,
            severity=severity,
            check=check,
            needs=tuple(inspect.signature(check).parameters),
            page=page(inspect.getdoc(check) or "", id),
            profiles=frozenset(profiles),
        )

    return decorate


def page(docstring: str, rule_id: str) -> Page:
    """Take a rule's docstring apart.

    Raises:
        ValueError: A part is missing.
    """
    text = docstring if docstring.endswith("\n") else docstring + "\n"
    found = {name: textwrap.dedent(body).strip("\n") + "\n" for name, body in _SECTION.findall(text)}
    title, _, rest = text.partition("\n")
    parts = {
        "title": title.strip().rstrip("."),
        "what": _SECTION.split(rest, maxsplit=1)[0].strip(),
        "why": found.get("Why it matters", "").strip(),
        "mend": found.get("How to mend", "").strip(),
        "before": found.get("Before", ""),
        "after": found.get("After", ""),
    }
    missing = [name for name, part in parts.items() if not part.strip()]
    if missing:
        raise ValueError(f"rule {rule_id}: the docstring lacks {', '.join(missing)}")
    return Page(**parts)


def clip(text: str, length: int = 60) -> str:
    """Return a card's text so that it can stand in a message: one line, printable, not too long.

    >>> clip("a" * 70)[-5:], clip("two  words")
    ('aaaa…', 'two words')
    """
    short = " ".join(text[: 4 * length].split())
    if not short.isprintable():
        short = "".join([letter if letter.isprintable() else "\ufffd" for letter in short])
    return short if len(short) <= length else short[: length - 1] + "…"


def lines_of(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield a line for each rule: id, severity, title."""
    for each in rules:
        yield f"{each.id}  {each.severity:<7}  {each.page.title}"
