"""Which random stream a set of versions has: the same seed does not mean the same data order.

Measured with one probe over some twenty pairs of transformers and accelerate; the mechanisms:

| stream | when | mechanism |
|---|---|---|
| A1, A2 | transformers < 4.31; A1 with torch < 1.11 | a sampler with a generator of its own |
| B | 4.31 and later with accelerate < 0.25, 4.31 to 4.37 with accelerate >= 0.26 | the global stream |
| C | 4.31 to 4.37 with accelerate 0.25.x, or 4.38 and later | seeded with seed plus epoch |
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from packaging.version import Version

# transformers pull request 24028; accelerate 2110 and 2319; transformers 28664.
GLOBAL_STREAM = Version("4.31")
SEEDABLE_BY_DEFAULT = Version("4.38")
SEEDABLE_ALWAYS = Version("0.25")
SEEDABLE_OPTIONAL = Version("0.26")
SAMPLER_CHANGED = Version("1.11")  # torch: the order from epoch 2 on differs under A

LONGEST_VERSION = 64


def stream(packages: Mapping[str, str]) -> str | None:
    """Return the random stream of a set of package versions.

    Args:
        packages: Package to version, as printed or as locked; local tags and further packages do not matter.

    Returns:
        `A1`, `A2`, `B` or `C`; None where the versions leave it open (a missing torch under A, a missing
        accelerate between 4.31 and 4.37, a development version on a border) or cannot be read.
    """
    transformers, torch, accelerate = (
        _readings(packages.get(name)) for name in ("transformers", "torch", "accelerate")
    )
    answers = {_stream(*versions) for versions in product(transformers, torch, accelerate)}
    return answers.pop() if len(answers) == 1 else None


def _readings(text: str | None) -> tuple[Version | None, ...]:
    """Return what a version can stand for: itself, and for a pre-release also the release it became."""
    if text is None or len(text) > LONGEST_VERSION:
        return (None,)
    try:
        version = Version(text)
    except ValueError:
        return (None,)
    return (version, Version(version.base_version)) if version.is_prerelease else (version,)


def _stream(transformers: Version | None, torch: Version | None, accelerate: Version | None) -> str | None:
    if transformers is None:
        return None
    if transformers < GLOBAL_STREAM:
        if torch is None:
            return None
        return "A1" if torch < SAMPLER_CHANGED else "A2"
    if accelerate is None:
        return "C" if transformers >= SEEDABLE_BY_DEFAULT else None
    if accelerate < SEEDABLE_ALWAYS:
        return "B"
    if transformers >= SEEDABLE_BY_DEFAULT or accelerate < SEEDABLE_OPTIONAL:
        return "C"
    return "B"
