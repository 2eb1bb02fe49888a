"""Values to words: numbers, signs, durations, and text that cannot misbehave when it is shown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from repro.records.comparison import Prefix
from repro.records.run import Measured

MINUS = "−"
MISSING = "–"
#: Longer texts are cut: a field of a megabyte would make a page that nobody can open.
LONGEST = 4_000

# Control characters, bidirectional overrides, invisible marks, line separators and non-characters. The
# joiners U+200C and U+200D stay: several scripts and composed emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff\U0010fffe\U0010ffff]"
)


def clean(text: str) -> str:
    r"""Return `text` with every character that acts instead of showing spelled out, and cut at a length.

    >>> clean("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if len(text) > LONGEST:
        text = text[:LONGEST] + "… (cut)"
    return _UNSAFE.sub(_spell, text.replace("\r\n", "\n"))


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def line(text: str) -> str:
    """Return `text` cleaned and on one line."""
    return " ".join(clean(text).split())


def sentence(text: str) -> str:
    """Return `text` as a sentence: a capital first, a full stop last; nothing where there is nothing.

    >>> sentence("all 16 values are the printed ones")
    'All 16 values are the printed ones.'
    """
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def spans(text: str) -> list[tuple[bool, str]]:
    """Return text in pieces, and whether each stood between backticks: code, in what rules say.

    >>> spans("add `license: mit`.")
    [(False, 'add '), (True, 'license: mit'), (False, '.')]
    """
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # one too many: none of them means anything
        return [(False, text)]
    return [(at % 2 == 1, piece) for at, piece in enumerate(pieces) if piece]


def metric_title(key: str) -> str:
    """Return a metric's name for people: `validation_loss` is `Validation loss`."""
    words = line(key.replace("_", " "))
    return words[:1].upper() + words[1:]


def loss(value: Measured | None) -> str:
    """Return a measured value with four decimals, as the Trainer's cards print it."""
    if value is None:
        return MISSING
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "infinite" if number > 0 else f"{MINUS}infinite"
    text = f"{number:.4f}" if abs(number) < 1e6 else f"{number:.4e}"
    return text.replace("-", MINUS)


def difference(value: float | None) -> str:
    """Return a difference with its sign; what rounds to zero has none."""
    if value is None or math.isnan(value):
        return MISSING
    text = loss(abs(value))
    if text == "0.0000":
        return text
    return ("+" if value > 0 else MINUS) + text


def bound(value: float) -> str:
    """Return a bound; one that four decimals would show as zero is shown with two digits."""
    return f"{value:.1e}".replace("-", MINUS) if 0 < abs(value) < 0.00005 else loss(value)


def epoch(value: float | None) -> str:
    """Return an epoch's number: whole ones without decimals, parts of one with up to four."""
    if value is None:
        return MISSING
    return f"{value:.4f}".rstrip("0").rstrip(".") if math.isfinite(value) else loss(value)


def count(number: int) -> str:
    """Return a whole number with its thousands set apart."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a duration in the two largest units that say something."""
    if not 0 < seconds < math.inf:
        return "not recorded"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{int(seconds // 60)} min {int(seconds % 60):02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def age(seconds: float) -> str:
    """Return how long ago something was, in one unit: `5 min`, `3 h`, `12 d`."""
    for unit, name in ((86_400, "d"), (3_600, "h")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds // 60:.0f} min"


def cell(text: str | None, longest: int = 40) -> str:
    """Return text for a cell of a table on a terminal: one line, cut where it is long."""
    if text is None:
        return MISSING
    text = line(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def columns(rows: Iterable[Sequence[str]], *, indent: str = "", right: bool = False) -> Iterator[str]:
    """Yield the lines of a table for a terminal."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            text.rjust(width) if right else text.ljust(width) for text, width in zip(row, widths, strict=True)
        )
        yield (indent + "  ".join(cells)).rstrip()


def web_address(text: str) -> str:
    """Return `text` where it is an address that a page may link to, else nothing.

    Only `http` and `https` with a host: `javascript:` and its relatives never become links.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    plain = re.fullmatch(r"[!#-;=?-\[\]_a-z~%]+", text, re.ASCII) is not None
    return text if plain and parts.scheme in {"http", "https"} and parts.hostname else ""


def prefix_words(prefix: Prefix) -> str:
    """Return which part of a training a verdict is on.

    >>> prefix_words(Prefix(epochs=2, of=16))
    'a prefix of 2 of 16 epochs'
    """
    return f"a prefix of {prefix.epochs:g} of {prefix.of:g} epochs"


def so_far(good: bool, prefix: Prefix) -> str:
    """Return how a prefix came out; it is never called a reproduction."""
    if prefix.stopped:
        return "not reproduced, whatever came later"
    return "as published so far" if good else "not as published so far"
