"""RC6xx: what a card leaves out.

The yardsticks are the nine sections of Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv
1810.03993), and the Hub's annotated model card template (huggingface.co/docs/hub/model-card-annotated), whose
headings are mapped onto them. A score says how much is written, never whether it is true.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from repro.records.card import Card
from repro.records.claims import Claims
from repro.rules.interface import Found, Rule, rule
from repro.rules.metadata import texts
from repro.rules.subject import line_at

#: The nine sections, in the paper's order.
SECTIONS = (
    "model details",
    "intended use",
    "factors",
    "metrics",
    "evaluation data",
    "training data",
    "quantitative analyses",
    "ethical considerations",
    "caveats and recommendations",
)

# A heading's topics, by words in its title: the paper's, the Hub template's and the generators' headings.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "description": (
        "description",
        "model details",
        "overview",
        "summary",
        "introduction",
        "about",
        "model type",
        "architecture",
    ),
    "sources": ("sources", "developed by", r"authors?\b", "contact", "citation", "cite", "reference"),
    "use": (
        r"\buses?\b(?<!terms of use)",
        r"\busage\b",
        "intended",
        "downstream",
        "how to",
        "get(?:ting)? started",
        "quick ?start",
        "inference",
    ),
    "misuse": ("out[- ]of[- ]scope", "misuse", "limitation", "not intended", r"\bwarnings?\b"),
    "factors": (
        "factors",
        "subgroup",
        "disaggregat",
        "per[- ](?:class|label|language|group)",
        "by[- ](?:class|label|language|group)",
    ),
    "metrics": (r"\bmetrics?\b",),
    "evaluation data": (
        r"eval(?:uation)?(?:,? and \w+)? (?:data|set)",
        r"test(?:ing)?(?:,? and \w+)? (?:data|set)",
        r"validation(?:,? and \w+)? (?:data|set)",
        "training and evaluation data",
    ),
    "training data": (
        "training (?:and evaluation )?data",
        r"\bdata ?sets?\b",
        r"^data\b",
        "data used",
        "corpus",
        "preprocessing",
    ),
    "results": ("results", "^evaluation", "evaluation$", "performance", "benchmark", "scores"),
    "ethics": ("bias", "risk", "ethic", "fairness", "safety", "harm", "societal", "responsib"),
    "environment": ("environmental", "carbon", "emission"),
    "caveats": ("caveat", "recommend", "limitation", "disclaimer", "known issues", r"\bwarnings?\b"),
    "compute": ("compute", "hardware", "infrastructure", "speeds", "technical spec"),
    "procedure": ("training (?:procedure|details|hyperparameters)", "fine-?tuning"),
}
_TOPICS = tuple((topic, re.compile("|".join(words))) for topic, words in _WORDS.items())


def _any_topic() -> re.Pattern[str]:
    """Return what most titles without a topic, a model's name for one, do not have.

    Sorted by their first letters, without what stands before these: `re` then tries few words at a letter.
    """
    rest: dict[str, list[str]] = {}
    for word in chain.from_iterable(_WORDS.values()):
        bare = word.removeprefix(r"\b").removeprefix("^")
        rest.setdefault(bare[0], []).append(bare[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(words)})" for first, words in rest.items()))


_ANY_TOPIC = _any_topic()
# Bold words at the beginning of a line or of a bullet are a heading, too; so many of them are a sentence.
_BOLD = re.compile(r"\*\*([^*\n]{3,60})\*\*:?([^\n]*)\n?")
_BULLET = frozenset(" \t-*+•0123456789.)")
_MOST_BOLD = 200
_MOST_WORDS = 6
# What a section on results may name without one of its own; `in` finds a few words sooner than `re`.
_NAMED = {
    "metrics named": (
        "metric", "accura", "loss", "f1", "precision", "recall", "bleu", "rouge", "perplexity", "pass@",
        "auc", "ndcg", " wer", " cer", " mse", " mae", "exact match",
    ),
    "evaluation data named": (
        "test set", "test data", "test split", "eval set", "eval split", "evaluation set", "evaluation data",
        "evaluation split", "validation set", "validation data", "validation split", "dev set", "held-out",
        "held out", "benchmark",
    ),
}  # fmt: skip
_NOTHING_SAID = (
    "information needed",
    "information is needed",
    "needs more information",
    "carbon emissions can be estimated using the",
    "should be made aware of the risks, biases and limitations",
)
_NOTHING_BEGINS = "use the code below to get started"
_SHORT = 100  # characters of a line that is remembered: templates' lines come again
_LONG = 3_000  # characters of a section that are looked at
_FIRST_FEW = 20  # the generator's comment stands at the top
_EMPTY_WORDS = frozenset(
    {"", "tbd", "todo", "n/a", "na", "none", "coming soon", "...", "…", "soon", "-", "wip"}
)


@lru_cache(8192)
def _topics(title: str) -> frozenset[str]:
    lowered = title[:200].lower()
    if not _ANY_TOPIC.search(lowered):
        return frozenset()
    return frozenset(topic for topic, pattern in _TOPICS if pattern.search(lowered))


def written(lines: Sequence[str], span: range) -> bool:
    """Tell whether a section says anything: more than headings, blanks and what a template left there."""
    for line in lines[span.start : span.stop]:
        if line and (_says(line) if len(line) <= _SHORT else _says.__wrapped__(line)):
            return True
    return False


@lru_cache(8192)
def _says(line: str) -> bool:
    bare = line.strip(" \t*_-•>|.[]():")
    if not bare or line.lstrip().startswith("#"):
        return False
    lowered = bare[:300].lower()[:300]
    if lowered in _EMPTY_WORDS or lowered.startswith(_NOTHING_BEGINS):
        return False
    for words in _NOTHING_SAID:  # noqa: SIM110 - a generator takes longer than the searches
        if words in lowered:
            return False
    return True


def _written_topics(card: Card, seen: str) -> frozenset[str]:
    """Return the topics of all sections that say something, those below bold words included."""
    found = frozenset[str]()
    for heading in card.headings:
        topics = _topics(heading.title)
        if not topics <= found and written(card.visible, heading.span):
            found |= topics
    return _bold_topics(seen, found) if "**" in seen else found


def _bold_topics(seen: str, found: frozenset[str]) -> frozenset[str]:
    """Add the topics of bold words that begin a line and are followed by a text."""
    for match in islice(_BOLD.finditer(seen), _MOST_BOLD):
        topics = _topics(match[1])
        if topics <= found or match[1].count(" ") >= _MOST_WORDS:
            continue
        start = match.start()
        if not _BULLET.issuperset(seen[seen.rfind("\n", 0, start) + 1 : start]):
            continue
        rest = match[2] if match[2].strip(" :") else seen[match.end() : match.end() + 300].lstrip()
        line = rest.partition("\n")[0]
        if "**" not in line[:8] and _says.__wrapped__(line):
            found |= topics
    return found


@lru_cache(8192)
def _on_results(title: str) -> bool:
    """Tell whether a title is that of results, other than those of the training."""
    return "results" in _topics(title) and not title.lower().startswith("training")


def _named_in_results(card: Card) -> frozenset[str]:
    """Return what sections on results name: a metric, the data that were evaluated."""
    found = frozenset[str]()
    for heading in card.headings:
        if _on_results(heading.title):
            section = "\n".join(card.visible[heading.span.start : heading.span.stop])[:_LONG].lower()
            for topic, words in _NAMED.items():
                for word in words if topic not in found else ():
                    if word in section:
                        found |= {topic}
                        break
    return found


def _stated(card: Card, claims: Claims) -> tuple[bool, ...]:
    """Return what counts beside the sections' words, in the order in which `_summed_up` takes it."""
    meta = card.front_matter.data if card.front_matter else {}
    index = meta.get("model-index")
    indexed = isinstance(index, list) and any(
        isinstance(each, dict) and each.get("results") for each in index
    )
    return (
        bool(claims.license or claims.base_model),
        bool(texts(meta.get("language"))),
        bool(texts(meta.get("metrics"))),
        indexed,
        bool(claims.evaluation),
        bool(claims.datasets),
        claims.results is not None and bool(claims.results.rows),
        bool(claims.tables),
        "co2_eq_emissions" in meta,
    )


def _scores(said: Collection[str], stated: tuple[bool, ...]) -> tuple[float, ...]:
    """Return how much of each of the nine sections is written: 0, 0.5 or 1."""
    named, language, metrics, indexed, evaluated, data, logged, tables, emissions = stated
    measured = evaluated or indexed or "results" in said
    described = "description" in said
    identified = named or "sources" in said
    return (
        _half(described and identified, described or identified),
        _half("use" in said and "misuse" in said, "use" in said),
        _half("factors" in said, language),
        _half("metrics" in said, evaluated or metrics or indexed or "metrics named" in said),
        _half("evaluation data" in said, indexed or "evaluation data named" in said),
        _half("training data" in said, data),
        _half(measured and ("factors" in said or tables), measured or logged),
        _half("ethics" in said, "environment" in said or emissions),
        _half("caveats" in said and ("ethics" in said or "misuse" in said), "caveats" in said),
    )


def _half(whole: bool, part: bool) -> float:
    return 1.0 if whole else 0.5 if part else 0.0


@lru_cache(4096)
def _summed_up(said: frozenset[str], stated: tuple[bool, ...]) -> tuple[str, Mapping[str, Any]] | None:
    """Return what is said of the scores, and the evidence; None where nothing is missing."""
    scores = _scores(said, stated)
    if min(scores) == 1:
        return None
    total, sections = sum(scores), dict(zip(SECTIONS, scores, strict=True))
    missing = [name for name, score in sections.items() if not score]
    partly = [name for name, score in sections.items() if score == 0.5]
    message = f"{total:g} of 9 points for the sections of a model card; " + (
        f"no section on {', '.join(missing)}" if missing else f"in part {', '.join(partly)}"
    )
    return message, {"score": total, "of": len(SECTIONS), "sections": sections}


@rule("RC601", "note")
def completeness(hub_card: Card, claims: Claims, seen: str) -> Sequence[Found]:
    """How much of a model card's nine sections is written.

    Each section of Mitchell et al. 2019 (arXiv 1810.03993) counts 0, 0.5 or 1; the Hub's template has the
    same under other headings.

    | section | 1 | 0.5 |
    |---|---|---|
    | model details | described, and licence, base model or authors named | one of both |
    | intended use | uses, and misuse or limitations | uses, or how to start |
    | factors | groups, classes or domains that matter | the language |
    | metrics | a section on them | their names, in a section on results too |
    | evaluation data | a section on them | a data set in model-index, or in a section on results |
    | training data | a section on them | a data set's name |
    | quantitative analyses | results, and broken down in a further table | results |
    | ethical considerations | biases, risks or ethics | emissions only |
    | caveats and recommendations | caveats or limitations, and risks or misuse | caveats |

    A section stands below a heading, or behind bold words at the beginning of a line, and counts as written
    where it says anything beside a template's own words. Whether it is true, or enough, is not judged, and
    what is said elsewhere in the card is not looked for. Plain texts that were not written for the Hub are
    left alone.

    Why it matters:
        A reader decides by these sections whether the model is fit for a purpose; most cards leave all but
        two to the generator.

    How to mend:
        Write the sections that the finding names, a sentence each to begin with: which data, which use, what
        it gets wrong.

    Before:
        ---
        license: apache-2.0
        base_model: google-bert/bert-base-uncased
        ---

        # issues-128

        ## Intended uses & limitations

        More information needed

    After:
        ---
        license: apache-2.0
        base_model: google-bert/bert-base-uncased
        ---

        # issues-128

        ## Model description

        A masked language model for issues of a software project.

        ## Intended uses & limitations

        Scoring the wording of an issue. Not for judging its author.

        ## Bias, risks and limitations

        Issues in other languages than English are scored as odd.

        ## Recommendations

        Check the score by hand before anything is closed.

        ## Training data

        9,300 issues in the split `train`.

        ## Evaluation

        ### Evaluation data

        2,300 issues in the split `test`.

        ### Factors

        Issues by label: bug, documentation, question.

        ### Metrics

        Cross-entropy over masked tokens.

        ### Results

        | Label | Loss |
        |:-----:|:----:|
        | bug   | 1.2  |
        | other | 1.3  |
    """
    said, stated = _written_topics(hub_card, seen), _stated(hub_card, claims)
    if not stated[3] and "evaluation data" not in said and "results" in said:
        said |= _named_in_results(hub_card)
    summed_up = _summed_up(said, stated)
    return [Found(summed_up[0], None, summed_up[1])] if summed_up else ()


# As the Trainer and as the Hub's template write it, and people begin it.
_PLACEHOLDERS = ("ore information needed", "ore Information Needed")


@rule("RC602", "note")
def placeholders_left(text: str, lowered: str) -> Sequence[Found]:
    """Sections still hold the words that a template put there.

    "More information needed" and "[More Information Needed]" stand for what was never written
    (transformers' issue 13245).

    Why it matters:
        A reader looks under the heading and finds nothing; an empty section is worse than none.

    How to mend:
        Write the section, or delete it with its heading.

    Before:
        ## Model description

        More information needed

    After:
        ## Model description

        A masked language model for issues of a software project.
    """
    if _PLACEHOLDERS[0] not in lowered:
        return ()
    places = [(at, words) for words in _PLACEHOLDERS if (at := text.find(words)) >= 0]
    if places:
        count = sum(text.count(words, at) for at, words in places)
        return [
            Found(
                f"«More information needed» stands in {count} place{'s' if count > 1 else ''}",
                line_at(text, min(places)[0]),
                {"count": count},
            )
        ]
    return ()


@rule("RC603", "note")
def generator_comment_left(text: str, comments: Sequence[tuple[int, int]]) -> Sequence[Found]:
    """The generator's comment asks for proofreading and is still there.

    "You should probably proofread and complete it, then remove this comment."

    Why it matters:
        It says that nobody has read the card since it was generated.

    How to mend:
        Proofread the card, complete it, and remove the comment.

    Before:
        <!-- This model card has been generated automatically according to the information the Trainer had
        access to. You should probably proofread and complete it, then remove this comment. -->

        # issues-128

    After:
        # issues-128
    """
    for start, end in comments[:_FIRST_FEW]:
        if text.find("proofread and complete it", start, end) >= 0:
            return [
                Found("the generator's request to proofread the card is still there", line_at(text, start))
            ]
    return ()


# How the Hub template's own comments begin.
_TEMPLATE = (
    "<!-- Provide ",
    "<!-- Address questions around",
    "<!-- This section ",
    "<!-- This should link to",
    "<!-- This relates heavily",
    "<!-- These are the ",
    "<!-- Relevant interpretability",
    "<!-- Total emissions",
    "<!-- If there is a paper",
    "<!-- If relevant, include",
)


@rule("RC604", "note")
def template_left(text: str, comments: Sequence[tuple[int, int]]) -> Sequence[Found]:
    """The template's instructions or its blanks are still in the card.

    The Hub's template explains each section in a comment; comments that stand beside a written section are
    harmless, and one finding names their number. Blanks such as `{{ model_id | default("Model ID", true) }}`
    are a warning: they were meant to be filled by a program, and readers see them.

    Why it matters:
        What is left of a template tells readers that the rest may not have been written with care either.

    How to mend:
        Delete the comments, and fill or delete the blanks.

    Before:
        # Model Card for issues-128

        <!-- Provide a quick summary of what the model is/does. -->

    After:
        # Model Card for issues-128

        A masked language model for issues of a software project.
    """
    left = [start for start, _ in comments if text.startswith(_TEMPLATE, start)]
    blanks = text.count("| default(") if "{" in text else 0
    found: list[Found] = []
    if left:
        message = f"comments of the Hub's template that are still there: {len(left)}"
        found.append(Found(message, line_at(text, left[0]), {"comments": len(left)}))
    if blanks:
        message = f"blanks of the template that are not filled: {blanks}"
        line = line_at(text, text.find("| default("))
        found.append(Found(message, line, {"blanks": blanks}, severity="warning"))
    return found


# Regulation (EU) 2024/1689, Annex XI, section 1: the point, what it asks for, the topics under which a card
# says it, and words that say it anywhere.
_ANNEX_XI: tuple[tuple[str, str, frozenset[str], tuple[str, ...]], ...] = (
    ("1(a)", "intended tasks and systems", frozenset({"use"}), ()),
    ("1(b)", "acceptable use policy", frozenset({"misuse"}), ("acceptable use",)),
    (
        "1(c)",
        "date of release, distribution",
        frozenset(),
        ("release date", "released on"),
    ),
    ("1(d)", "architecture and number of parameters", frozenset(), (" parameters", "b params", "m params")),
    ("1(e)", "modality and format of inputs and outputs", frozenset(), ("input", "modality")),
    ("1(f)", "licence", frozenset(), ()),
    ("2(a)", "technical means for integration", frozenset({"use"}), ("from_pretrained", "pipeline(")),
    ("2(b)", "design and training process", frozenset({"procedure"}), ()),
    ("2(c)", "training, testing and validation data", frozenset({"training data", "evaluation data"}), ()),
    ("2(d)", "computational resources", frozenset({"compute"}), ("gpu", "tpu", "flops", "hours used")),
    ("2(e)", "energy consumption", frozenset({"environment"}), ("kwh", "co2", "energy")),
)


@rule("RC605", "note", profiles=("strict",))
def annex_xi(hub_card: Card, claims: Claims, lowered: str, seen: str) -> Sequence[Found]:
    """What Annex XI of the EU AI Act would ask for and this card does not mention.

    Regulation (EU) 2024/1689, Annex XI, section 1, lists what the technical documentation of a
    general-purpose AI model would contain. The finding names the points on which nothing was found here.
    That is all it says: whether the Act applies to this model (a small fine-tune is mostly no
    general-purpose model, and modifiers answer for their modification only), whether the documentation is
    kept elsewhere, and whether it is sufficient is not judged.

    Why it matters:
        The list is a good table of contents for a model that others will build on.

    How to mend:
        Write a sentence on each point that is missing, or point to the document that has it.

    Before:
        ---
        license: apache-2.0
        ---

        # issues-128

    After:
        ---
        license: apache-2.0
        ---

        # issues-128

        Released on 1 September 2025; 110 million parameters; input: English text, output: scores.

        ## Uses

        Scoring the wording of an issue.

        ## Acceptable use

        Not for judging an issue's author (limitations below).

        ## Limitations

        English only.

        ## Training procedure

        Three epochs on one GPU.

        ## Training data

        9,300 issues.

        ## Environmental impact

        1.5 kWh.
    """
    said = _written_topics(hub_card, seen)
    missing = []
    for point, what, topics, words in _ANNEX_XI:
        if point == "1(f)":
            found = bool(claims.license)
        elif point == "2(b)":
            found = bool(topics & said or claims.hyperparameters)
        elif point == "2(c)":
            found = bool(topics & said or claims.datasets)
        else:
            found = bool(topics & said) or any(word in lowered for word in words)
        if not found:
            missing.append((point, what))
    if missing:
        named = ", ".join(f"{what} ({point})" for point, what in missing[:4])
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        return [
            Found(
                f"{len(missing)} of {len(_ANNEX_XI)} points that Annex XI, section 1, would ask for are not "
                f"mentioned: {named}{more}",
                None,
                {"missing": dict(missing), "points": len(_ANNEX_XI)},
            )
        ]
    return ()


RULES: tuple[Rule, ...] = (
    completeness,
    placeholders_left,
    generator_comment_left,
    template_left,
    annex_xi,
)
