"""RM1xx: what the front matter says, and what it may say without being found."""

from __future__ import annotations

import pytest

from repro.cards import read_card
from repro.records.claims import Finding
from repro.rules import Rule, RuleSet, check
from repro.rules import metadata as rules
from repro.testing import findings

GENERATED = "<!-- generated automatically according to the information the Trainer had access to -->\n"
RESULT = """  - task: {{type: text-classification}}
    dataset: {{name: imdb, type: imdb{dataset}}}
    metrics:
    - {{type: f1, value: 0.7}}
"""


def front(yaml: str, body: str = "# issues-128\n") -> str:
    """A card with this front matter."""
    return f"---\n{yaml.strip()}\n---\n\n{body}"


def messages(rule: Rule, text: str) -> list[str]:
    """What a rule says about a card."""
    return [found.message for found in findings(rule, text)]


def severities(rule: Rule, text: str) -> list[str]:
    """What a rule finds on a card, by severity."""
    return [found.severity for found in findings(rule, text)]


def only(rule: Rule, text: str) -> Finding:
    """The one finding of a rule on a card."""
    (found,) = findings(rule, text)
    return found


def test_plain_text_needs_no_front_matter() -> None:
    """Front matter is missed on a generated card only, not on an article or a plain Markdown file."""
    assert severities(rules.front_matter_missing, GENERATED) == ["note"]
    assert messages(rules.front_matter_missing, "# Notes\n\nSome text.\n") == []
    assert messages(rules.front_matter_missing, "• Train Batch Size: 32\n") == []


@pytest.mark.parametrize(
    ("yaml", "line"),
    [
        ("license: mit\nname: a: b", 3),
        ("license: mit\nx: !!python/object/apply:numpy.float64 [1]", 3),
        ("license: @mit", 2),
    ],
)
def test_broken_front_matter(yaml: str, line: int) -> None:
    """What is no YAML, or names a program's types, is an error on its line."""
    found = only(rules.front_matter_broken, front(yaml))
    assert (found.severity, found.line) == ("error", line)
    assert messages(rules.front_matter_unusual, front(yaml)) == []


@pytest.mark.parametrize(
    "yaml",
    ["a: &x [b]\nc: *x", "license: !!str mit", "a: " + "[" * 25 + "]" * 25, "a: b\n" * 80_000],
    ids=["anchor", "tag", "deep", "long"],
)
def test_unusual_front_matter(yaml: str) -> None:
    """YAML that this program does not follow is a note, and no error."""
    assert severities(rules.front_matter_unusual, front(yaml)) == ["note"]
    assert messages(rules.front_matter_broken, front(yaml)) == []


def test_nesting_takes_no_time() -> None:
    """Front matter nested without end is told apart after twenty levels."""
    assert severities(rules.front_matter_unusual, front("a: " + "[" * 250_000)) == ["note"]


def test_a_rule_above_a_text_is_no_front_matter() -> None:
    """A first line `---` that opens nothing is a line on the page."""
    assert messages(rules.front_matter_unclosed, "---\n\n# Notes\n\nSome text.\n") == []
    assert messages(rules.front_matter_unclosed, "---\nNote: this is\na text.\n") == []
    assert messages(rules.front_matter_broken, "---\nSome: text: here.\n---\n\nMore of it.\n") == []
    found = only(rules.front_matter_unclosed, "---\nlicense: mit\nlanguage: en\n\n# issues-128\n")
    assert (found.severity, found.line) == ("error", 1)
    assert found.evidence == {"keys": ["license", "language"]}


def test_keys_twice() -> None:
    """A key that stands twice is an error on its second line; keys below others may be the same."""
    found = only(rules.key_twice, front("license: mit\ntags:\n- a\nlicense: mit"))
    assert (found.severity, found.line, found.evidence["lines"]) == ("error", 5, [2, 5])
    nested = "widget:\n- text: a\n  text_pair: b\n- text: c\nmodel-index:\n- name: a\n  results: []"
    assert messages(rules.key_twice, front(nested)) == []


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("licence", "license"),
        ("pipline_tag", "pipeline_tag"),
        ("base-model", "base_model"),
        ("metric", "metrics"),
    ],
)
def test_misspelt_keys(key: str, meant: str) -> None:
    """A key a letter or a plural away from a known one is found, with the one that was meant."""
    found = only(rules.key_misspelt, front(f"{key}: x"))
    assert found.severity == "warning"
    assert found.evidence == {"key": key, "meant": meant}


@pytest.mark.parametrize(
    "key", ["extra_gated_prompt", "my_notes", "thumbnail", "quantized_by", "x", "résumé"]
)
def test_own_keys(key: str) -> None:
    """Keys of one's own, and those of common tools, are left alone."""
    assert messages(rules.key_misspelt, front(f"{key}: x")) == []


def test_misspelt_beside_the_right_one() -> None:
    """A misspelt key beside the right one changes nothing."""
    assert messages(rules.key_misspelt, front("license: mit\nlicence: mit")) == []


def test_template_of_trl() -> None:
    """`licence: license` is told to come from TRL's template."""
    assert "TRL" in only(rules.key_misspelt, front("licence: license")).message


def test_null_in_index() -> None:
    """Each null of model-index is found; a value that is left out is none."""
    found = only(
        rules.nothing_in_index,
        front("model-index:\n- name: a\n  results:\n" + RESULT.format(dataset=", config: null")),
    )
    assert found.evidence == {"result": 1, "key": "dataset.config"}
    assert (
        messages(
            rules.nothing_in_index,
            front("model-index:\n- name: a\n  results:\n" + RESULT.format(dataset="")),
        )
        == []
    )


@pytest.mark.parametrize(
    "index",
    [
        "model-index:",
        "model-index:\n- name: a\n  results: []",
        "model-index:\n- name: a\n  results:\n" + RESULT.format(dataset=""),
    ],
)
def test_sound_index(index: str) -> None:
    """An index without results, and one with all that is needed, is no defect."""
    assert messages(rules.index_malformed, front(index)) == []


@pytest.mark.parametrize(
    ("index", "missing"),
    [
        ("model-index: a", "a list of entries"),
        ("model-index:\n- a", "`name` and `results` of an entry"),
        ("model-index:\n- name: a", "`results` of an entry"),
        ("model-index:\n- results: []", "`name` of an entry"),
        ("model-index:\n- name: a\n  results:\n  - metrics: []\n    dataset: {name: a, type: b}", "`task`"),
        (
            "model-index:\n- name: a\n  results:\n  - {task: {type: a}, dataset: {type: b}, metrics: []}",
            "`dataset.name`",
        ),
        (
            "model-index:\n- name: a\n  results:\n  - task: {type: a}\n    dataset: {name: a, type: b}",
            "`metrics`",
        ),
        (
            "model-index:\n- name: a\n  results:\n"
            + RESULT.format(dataset="").replace("value: 0.7", "name: F1"),
            "a metric's `value`",
        ),
        (
            "model-index:\n- name: a\n  results:\n" + RESULT.format(dataset="") + "    source: {name: b}",
            "`source.url` beside `source.name`",
        ),
    ],
)
def test_malformed_index(index: str, missing: str) -> None:
    """What the Hub's client would raise an error for is an error here, with what is missing."""
    found = only(rules.index_malformed, front(index))
    assert (found.severity, found.evidence["missing"]) == ("error", missing)


def test_malformed_index_is_what_the_client_refuses() -> None:
    """The Hub's own client agrees: it raises on the malformed index and reads the sound one."""
    from huggingface_hub import ModelCard

    with pytest.raises(ValueError, match="model_index"):
        ModelCard(rules.index_malformed.page.before)
    assert vars(ModelCard(rules.index_malformed.page.after).data)["eval_results"]


def test_former_task() -> None:
    """A task that the Hub had once is a note; a misspelt one a warning."""
    assert severities(rules.task_unknown, front("pipeline_tag: conversational")) == ["note"]
    assert severities(rules.task_unknown, front("pipeline_tag: made-up-by-me")) == ["warning"]
    assert severities(rules.task_unknown, front("pipeline_tag: fill-mask")) == []


@pytest.mark.parametrize("language", ["en", "[en, de]", "multilingual", "code", "yue", '"no"', "[]", ""])
def test_languages(language: str) -> None:
    """Codes of two and three letters and the Hub's own words are left alone."""
    assert messages(rules.language_unknown, front(f"language: {language}")) == []


@pytest.mark.parametrize(
    ("language", "severity", "meant"),
    [
        ("English", "warning", "en"),
        ("jp", "warning", "ja"),
        ("EN", "warning", "en"),
        ("pt-BR", "note", "pt"),
        ("klingonese", "warning", None),
    ],
)
def test_odd_languages(language: str, severity: str, meant: str | None) -> None:
    """A name, a country and a capital are warnings, a region is a note; with the code where it is known."""
    found = only(rules.language_unknown, front(f"language: {language}"))
    assert (found.severity, found.evidence["meant"]) == (severity, meant)


def test_norwegian() -> None:
    """An unquoted `no` is a note, because it is false to the Hub's client."""
    from huggingface_hub import ModelCard

    text = front("language:\n- no")
    assert severities(rules.language_unknown, text) == ["note"]
    assert vars(ModelCard(text).data)["language"] == [False]


def test_tags_of_windows_paths() -> None:
    """A tag with a path in it repeats its key even where the path has a colon."""
    text = front("base_model: 'D:\\m'\ntags:\n- base_model:adapter:D:\\m\n- license:mit\nlicense: MIT")
    assert messages(rules.tags_contradict, text) == []


def test_own_metrics() -> None:
    """Metrics of one's own are left alone."""
    text = front("metrics:\n- eval_loss\n- cosine_accuracy@1\n- my_score\n- f1\n- wer")
    assert messages(rules.metric_misspelt, text) == []


def test_undecodable_bytes() -> None:
    """Bytes that were no UTF-8 are counted, and the line of the first is given."""
    card = read_card("# a\n\nRen\ufffd\n", target="card.md", undecodable=1)
    (found,) = check(card, RuleSet.of([rules.undecodable])).findings
    assert (found.message, found.line) == ("1 byte of the card: no UTF-8", 3)


@pytest.mark.parametrize(
    "title",
    [
        "issues-128",
        "me/Issues_128",
        "Model Card for issues-128",
        "issues-128-v2",
        "A model for issues",
        "Usage",
        "Classifier",
    ],
)
def test_titles(title: str) -> None:
    """A title in other spelling, with an owner, a version, or in prose is no other name."""
    text = front("model-index:\n- name: issues-128\n  results: []", f"# {title}\n")
    assert messages(rules.names_differ, text) == []


@pytest.mark.parametrize(
    ("name", "title", "expected"),
    [
        ("tmpk3v9_0ab", "Sorter", ["note"]),
        ("me/tmpk3v9_0ab", "A sorter of issues", ["note"]),
        ("tmpk3v9_0ab", "tmpk3v9_0ab", []),
        ("tmp-model", "A sorter of issues", []),
        ("temperature", "Weather", ["note"]),
        ("issues", "Sorter", ["note"]),
        ("issues", "Issues2", []),
        ("issues", "Overview", []),
        ("issues-128", "Sorter", []),
    ],
)
def test_temporary_and_one_word_names(name: str, title: str, expected: list[str]) -> None:
    """A temporary folder's name is no model's, and one word is compared with one word only."""
    text = front(f"model-index:\n- name: {name}\n  results: []", f"# {title}\n")
    assert severities(rules.names_differ, text) == expected


@pytest.mark.parametrize("body", ["# \n\nA text.\n\n## Uses\n", "#\n"])
def test_empty_titles(body: str) -> None:
    """A title of nothing but its mark is a note where model-index has a name; no title at all is none."""
    found = only(rules.names_differ, front("model-index:\n- name: issues-128\n  results: []", body))
    assert (found.severity, found.line) == ("note", 7)
    assert "the title is empty" in found.message
    untitled = front("model-index:\n- name: issues-128\n  results: []", f"## Uses\n\n{body}")
    assert messages(rules.names_differ, untitled) == []
    nameless = front("model-index:\n- name: ''\n  results: []", body)
    assert messages(rules.names_differ, nameless) == []


def test_empty_names() -> None:
    """An empty name in model-index is a note: the client reads it, and it says nothing."""
    found = only(rules.index_malformed, front("model-index:\n- name: ''\n  results: []"))
    assert (found.severity, found.line) == ("note", 2)
    assert found.message == "the `name` of 1 entry in model-index is empty"


def test_front_matter_below_the_text() -> None:
    """Front matter below a text is none, and the note says where it stands; a line across is none."""
    text = f"A text first.\n\n---\nlibrary_name: peft\n---\n\n{GENERATED}"
    found = only(rules.front_matter_missing, text)
    assert (found.severity, found.line) == ("note", 3)
    assert "begins on line 3, below the text" in found.message
    for other in ("---\nA text.\n---\n", "---\n\n---\n", "```yaml\n---\nlicense: mit\n---\n```\n"):
        assert only(rules.front_matter_missing, f"A text first.\n\n{other}\n{GENERATED}").line == 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text-classification", []),
        ("Bird_Song-classification", ["note"]),
        ("text_classification", ["note"]),
        ("Text Classification", ["note"]),
        ("semantic-similarity", []),  # of sentence-transformers
        ("PairClassification", []),  # of MTEB
        ("made-up-by-me", []),
    ],
)
def test_tasks_of_results(kind: str, expected: list[str]) -> None:
    """A task in model-index is a note only where it is written as no task is: libraries have their own."""
    index = "model-index:\n- name: a\n  results:\n" + RESULT.format(dataset="")
    text = front(index.replace("text-classification", kind))
    assert severities(rules.task_unknown, text) == expected
    assert ("text-classification is" in "".join(messages(rules.task_unknown, text))) == (
        kind in ("text_classification", "Text Classification")
    )


def results(*each: tuple[str, str]) -> str:
    """A card whose model-index has results of these data sets and values."""
    parts = "".join(
        f"  - task: {{type: text-classification}}\n    dataset: {{{dataset}}}\n"
        f"    metrics:\n    - {{type: wer, value: {value}}}\n"
        for dataset, value in each
    )
    return front(f"model-index:\n- name: a\n  results:\n{parts}")


LONG = "0.21483072916666"


@pytest.mark.parametrize(
    ("one", "other", "value", "expected"),
    [
        ("name: Minds 14, type: me/minds14", "name: VoxPopuli, type: vox", LONG, ["warning"]),
        ("name: a, type: a, split: test", "name: a, type: a, split: validation", LONG, ["warning"]),
        ("name: a, type: a, config: de", "name: a, type: a, config: fr", LONG, ["warning"]),
        ("name: a, type: a, split: test", "name: a, type: a", LONG, []),
        ("name: IMDB, type: imdb", "name: Reviews, type: stanfordnlp/imdb", LONG, []),
        ("name: Minds 14, type: me/minds14", "name: VoxPopuli, type: vox", "0.2148", []),
        ("name: Minds 14, type: me/minds14", "name: VoxPopuli, type: vox", "0.8571428571428571", []),
        ("name: Minds 14, type: me/minds14", "name: VoxPopuli, type: vox", "66.66666666666667", []),
        ("name: Minds 14, type: me/minds14", "name: VoxPopuli, type: vox", "0.000000000000001", []),
        ("name: Minds 14, type: me/minds14", "name: VoxPopuli, type: vox", "a long text", []),
    ],
)
def test_the_same_result_of_two_data_sets(one: str, other: str, value: str, expected: list[str]) -> None:
    """Ten digits and more are copied where the data differ, unless a simple fraction gives them."""
    assert severities(rules.same_result_twice, results((one, value), (other, value))) == expected
    assert severities(rules.same_result_twice, results((one, value), (other, "0.31"))) == []


def test_findings_are_capped() -> None:
    """Of very many wrong values twenty are shown, and the rest is counted."""
    tags = "\n".join(f"- license:x{i}" for i in range(50))
    found = findings(rules.tags_contradict, front(f"license: mit\ntags:\n{tags}"))
    assert len(found) == 20
    assert found[-1].message.endswith("(and 30 more)")
