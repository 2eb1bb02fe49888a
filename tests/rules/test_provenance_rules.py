"""RD5xx: data sets, base models and licences, and what is no contradiction."""

from __future__ import annotations

import pytest

from repro.records.claims import Finding
from repro.rules import Context, Rule
from repro.rules import provenance as rules
from repro.testing import findings

LINK = "[{0}](https://huggingface.co/{0})"


def card(yaml: str = "license: mit", body: str = "") -> str:
    """A card with this front matter and text."""
    return f"---\n{yaml}\n---\n\n# issues-128\n\n{body}\n"


def tuned(base: str, data: str = "the issues dataset") -> str:
    """The generator's sentence."""
    return f"This model is a fine-tuned version of {LINK.format(base)} on {data}."


def severities(rule: Rule, text: str, context: Context | None = None) -> list[str]:
    """What a rule finds on a card, by severity."""
    return [found.severity for found in findings(rule, text, context)]


def only(rule: Rule, text: str, context: Context | None = None) -> Finding:
    """The one finding of a rule on a card."""
    (found,) = findings(rule, text, context)
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("an unknown dataset", ["note"]),
        ("an unkown dataset", ["note"]),
        ("the None dataset", ["warning"]),
        ("the squad dataset", []),
        ("the unknown-words dataset", []),
    ],
)
def test_data_unnamed(data: str, expected: list[str]) -> None:
    """An unknown data set is a note, one called None a warning, a named one nothing."""
    assert severities(rules.data_unnamed, card(body=tuned("gpt2", data))) == expected


TRL = (
    f"This model is a fine-tuned version of {LINK.format('gpt2')}.\n"
    "It has been trained using [TRL](https://github.com/huggingface/trl).\n\n"
    "### Framework versions\n\n- TRL: 0.21.0\n- Datasets: 3.6.0\n"
)


def test_no_data_at_all() -> None:
    """A card of TRL that speaks of no data anywhere is a note; one that names or describes them is not."""
    found = only(rules.data_unnamed, card(body=TRL))
    assert (found.severity, found.line) == ("note", 7)
    assert "no data set is named" in found.message
    for more in ("The dataset is English only.", "Trained on chat data.", "```\n{'dataset_id': 'x'}\n```"):
        assert severities(rules.data_unnamed, card(body=f"{TRL}\n{more}")) == []
    assert severities(rules.data_unnamed, card("datasets:\n- squad", TRL)) == []
    plain = f"This model is a fine-tuned version of {LINK.format('gpt2')}."
    assert severities(rules.data_unnamed, card(body=plain)) == []


@pytest.mark.parametrize(
    ("front", "data", "expected"),
    [
        ("datasets: [me/common_voice_8_0]", "the ME/COMMON_VOICE_7_0 - TR dataset", ["warning"]),
        ("datasets: [me/common_voice_8_0]", "the common_voice dataset", []),
        ("datasets: [common_voice]", "the ME/COMMON_VOICE_7_0 - TR dataset", []),
        ("datasets: [a/squad_v2]", "the squad-v2 dataset", []),
        ("datasets: [imdb]", "the rotten_tomatoes dataset", ["note"]),
        ("datasets: [imdb, rotten_tomatoes]", "the me/rotten-tomatoes dataset", []),
        ("datasets: [imdb]", "the IMDB-reviews_v2 dataset", []),
        ("datasets: [glue]", "the SST-2 dataset", []),  # a task of it, no id
        ("datasets: [me/tldr]", "the Reddit dataset", []),
        ("datasets: [me/New_York_Times]", "the NYT News dataset", []),
        ("datasets: [imdb]", "the ./data/mine.jsonl dataset", []),
        ("datasets: [json]", "the my_own_texts dataset", []),
        ("datasets: [imdb]", "an unknown dataset", []),
        ("language: gl", "the COMMON_VOICE - HU dataset", ["warning"]),
        ("language: [gl, hu]", "the COMMON_VOICE - HU dataset", []),
        ("language: sv-SE", "the COMMON_VOICE - SV-SE dataset", []),
        ("language: nb", "the COMMON_VOICE - NO dataset", []),
        ("language: fr", "the WMT14 - EN-FR dataset", []),
        ("language: te", "the OPENSLR - NA dataset", []),
        ("language: en", "the LIBRISPEECH - CLEAN dataset", []),
        ("language: Galician", "the COMMON_VOICE - HU dataset", []),
        ("language: multilingual", "the COMMON_VOICE - HU dataset", []),
        ("license: mit", "the COMMON_VOICE - HU dataset", []),
    ],
)
def test_data_differ(front: str, data: str, expected: list[str]) -> None:
    """Only ids are compared, and only what is surely another data set or another language is found."""
    assert severities(rules.data_differs, card(front, tuned("gpt2", data))) == expected


def test_data_unnamed_in_code() -> None:
    """The sentence in code or in a comment is no statement of the card."""
    for body in (
        f"```\n{tuned('gpt2', 'the None dataset')}\n```",
        f"<!-- {tuned('gpt2', 'the None dataset')} -->",
    ):
        assert severities(rules.data_unnamed, card(body=body)) == []


@pytest.mark.parametrize(
    ("datasets", "expected"),
    [
        ("[null]", ["error"]),
        ("[squad, null]", ["error"]),
        ("[None]", ["warning"]),
        ("unknown", ["warning"]),
        ("[]", []),
        ("", []),
        ("[squad]", []),
    ],
)
def test_data_null(datasets: str, expected: list[str]) -> None:
    """A null among the data sets is an error, a word for nothing a warning; none at all is no defect."""
    assert severities(rules.data_null, card(f"datasets: {datasets}")) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/home/me/model",
        "./save/t5",
        "../t5",
        "~/t5",
        r"D:\Model\bloom",
        r"results\model",
        "C:/models/t5",
        "models/Llama-3",
        "a/b/c",
        "train.jsonl",
    ],
)
def test_paths(path: str) -> None:
    """Paths of Linux, Windows and notebooks, and files, are no repositories."""
    assert rules.is_path(path)


@pytest.mark.parametrize(
    "name",
    [
        "bert-base-uncased",
        "google/flan-t5-base",
        "gpt2",
        "me/model.v1.0",
        "https://huggingface.co/a/b",
        "csv",
        "",
    ],
)
def test_names(name: str) -> None:
    """A repository's name is no path, with an owner or without."""
    assert not rules.is_path(name)


def test_data_local() -> None:
    """A path is a warning, a loader's name a note, a repository's name nothing."""
    text = card("datasets:\n- /workspace/train.jsonl\n- json\n- me/issues")
    found = findings(rules.data_local, text)
    assert [(each.severity, each.line) for each in found] == [("warning", 3), ("note", 4)]


def test_base_local() -> None:
    """The base model's path is found in the text where the front matter has none."""
    assert severities(rules.base_local, card(body=tuned("./save/t5"))) == ["warning"]
    assert severities(rules.base_local, card("base_model: https://huggingface.co/gpt2")) == ["note"]
    assert severities(rules.base_local, card("base_model: gpt2")) == []


@pytest.mark.parametrize("name", ["", "None", "unknown"])
def test_base_nothing(name: str) -> None:
    """An empty link and a word for nothing name no base model."""
    assert severities(rules.base_nothing, card(body=tuned(name))) == ["warning"]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("google-bert/bert-base-uncased", "bert-base-uncased"),
        ("unsloth/llama-3-8b-bnb-4bit", "meta-llama/llama-3-8b"),
        ("Me/Model", "me/model"),
        ("[gpt2, me/other]", "me/other"),
        ("https://huggingface.co/me/model", "me/model"),
    ],
)
def test_same_base(stated: str, said: str) -> None:
    """Old and new names, copies, quantized versions, capitals and lists are no contradiction."""
    assert severities(rules.base_differs, card(f"base_model: {stated}", tuned(said))) == []


def test_base_said_in_words() -> None:
    """A link whose words are prose is judged by where it leads."""
    body = (
        "This model is a fine-tuned version of [RoBERTa base](https://huggingface.co/roberta-base) on squad."
    )
    assert severities(rules.base_differs, card("base_model: FacebookAI/roberta-base", body)) == []
    assert severities(rules.base_differs, card("base_model: gpt2", body)) == ["warning"]


def test_from_scratch() -> None:
    """A base model and "trained from scratch" contradict each other, except where the base is a folder."""
    body = "This model was trained from scratch on the issues dataset."
    assert severities(rules.base_differs, card("base_model: gpt2", body)) == ["warning"]
    assert severities(rules.base_differs, card("base_model: ./gpt2", body)) == []
    assert severities(rules.base_differs, card("license: mit", body)) == []


def test_training_split_before_4_26() -> None:
    """Where the generator named the training set by itself, the finding says so."""
    page = rules.evaluated_on_training_split.page.before
    versions = "\n### Framework versions\n\n- Transformers {}\n"
    old = only(rules.evaluated_on_training_split, page + versions.format("4.25.1"))
    new = only(rules.evaluated_on_training_split, page + versions.format("4.26.0"))
    assert old.evidence["generator_before_4_26"] is True
    assert new.evidence["generator_before_4_26"] is False
    assert old.severity == new.severity == "note"


@pytest.mark.parametrize(
    ("split", "expected"),
    [("train[:10%]", ["note"]), ("train[90%:]", ["note"]), ("train_test", []), ("validation[:10%]", [])],
)
def test_parts_of_the_training_split(split: str, expected: list[str]) -> None:
    """A part of the split train counts as train, and the note names it on its line."""
    text = rules.evaluated_on_training_split.page.before.replace("split: train", f"split: {split}")
    found = findings(rules.evaluated_on_training_split, text)
    assert [each.severity for each in found] == expected
    assert all(f"split {split}" in each.message and each.line == 10 for each in found)


def test_adapters() -> None:
    """Only an adapter needs its base model so much that its absence is a warning."""
    assert severities(rules.adapter_without_base, card("library_name: peft", tuned("gpt2"))) == []
    assert severities(rules.adapter_without_base, card("library_name: transformers")) == []


@pytest.mark.parametrize(
    ("training", "evaluation", "expected"),
    [("1,797", "1,797", ["note"]), ("1,797", "180", []), ("1,000", "1,000", []), ("9", "9", [])],
)
def test_same_size(training: str, evaluation: str, expected: list[str]) -> None:
    """Two sets of one odd size are a note; of a round or a tiny one, nothing."""
    text = f"* Size: {training} training samples\n\n* Size: {evaluation} evaluation samples\n"
    assert severities(rules.same_data, text) == expected


@pytest.mark.parametrize("yaml", ["license: mit", "license: [mit]", "licence: mit", "license_name: own"])
def test_licence_there(yaml: str) -> None:
    """A licence that is there, under whatever spelling of the key, is not missing."""
    assert severities(rules.licence_missing, card(yaml)) == []


def test_licence_missing_names_the_bases() -> None:
    """Where the base model's licence is known, the note names it."""
    found = only(rules.licence_missing, card("base_model: bert-base-uncased"))
    assert (found.severity, found.evidence) == ("note", {"base_license": "apache-2.0"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("apache2", "apache-2.0"),
        ("Apache 2.0", "apache-2.0"),
        ("MIT License", "mit"),
        ("cc-by-sa-4", "cc-by-sa-4.0"),
        ("llama-3", "llama3"),
        ("my-own-licence", None),
    ],
)
def test_licence_misspelt(name: str, meant: str | None) -> None:
    """A misspelt licence is a warning with the identifier that was meant, where one is close."""
    found = only(rules.licence_unknown, card(f"license: {name}"))
    assert (found.severity, found.evidence["meant"]) == ("warning", meant)


def test_licence_other_with_a_link() -> None:
    """`other` with a name or a link says which licence it is."""
    assert severities(rules.licence_unnamed, card("license: other\nlicense_link: LICENSE")) == []
    assert severities(rules.licence_unnamed, card("license: mit")) == []


@pytest.mark.parametrize(
    ("licence", "base", "expected"),
    [
        ("apache-2.0", "meta-llama/Llama-2-7b-hf", ["warning"]),
        ("apache-2.0", "unsloth/llama-3-8b-bnb-4bit", ["warning"]),
        ("mit", "google/gemma-2-9b-it", ["warning"]),
        ("mit", "facebook/nllb-200-distilled-600M", ["warning"]),
        ("openrail", "facebook/nllb-200-distilled-600M", ["warning"]),
        ("mit", "bigscience/bloom-560m", ["warning"]),
        ("llama3", "meta-llama/Llama-3.1-8B", ["note"]),
        ("llama3.1", "meta-llama/Llama-3.1-8B", []),
        ("cc-by-nc-4.0", "meta-llama/Llama-3.1-8B", []),
        ("cc-by-nc-4.0", "facebook/nllb-200-distilled-600M", []),
        ("cc-by-nc-sa-4.0", "facebook/nllb-200-distilled-600M", []),
        ("other", "meta-llama/Llama-3.1-8B", []),
        ("mit", "mistralai/Mistral-7B-v0.1", []),
        ("cc-by-nc-4.0", "bert-base-uncased", []),
        ("gpl-3.0", "bert-base-uncased", []),
        ("mit", "somebody/unknown-model", []),
        ("mit", "stabilityai/stablelm-3b-4e1t", ["note"]),
    ],
)
def test_licence_of_the_base(licence: str, base: str, expected: list[str]) -> None:
    """Rights that the base model does not give are a warning; a licence as strict as its is nothing."""
    text = card(f"license: {licence}\nbase_model: {base}")
    assert severities(rules.licence_not_the_bases, text) == expected


def test_licence_asked_online() -> None:
    """What the Hub says about the base model comes before the table."""
    text = card("license: apache-2.0\nbase_model: me/model")
    assert severities(rules.licence_not_the_bases, text) == []
    asked = Context(base={"license": "cc-by-nc-4.0"})
    assert only(rules.licence_not_the_bases, text, asked).evidence["base_license"] == "cc-by-nc-4.0"
    text = card("license: apache-2.0\nbase_model: meta-llama/Llama-3.1-8B")
    assert severities(rules.licence_not_the_bases, text, Context(base={"license": "mit"})) == []
    named = Context(base={"license": "other", "license_name": "llama4"})
    assert severities(rules.licence_not_the_bases, text, named) == ["warning"]


@pytest.mark.parametrize(
    ("licence", "line", "expected"),
    [
        ("apache-2.0", "- **License:** MIT", ["warning"]),
        ("gemma", "- License: Apache-2.0", ["warning"]),
        ("apache-2.0", "- **License:** Apache license 2.0", []),
        ("apache-2.0", "- **License:** [Apache 2.0](https://www.apache.org/licenses)", []),
        ("cc-by-4.0", "License: cc", []),
        ("mit", "- **License:** [More Information Needed]", []),
        ("mit", "The license of the data: ask their owners.", []),
        ("mit", "```\nlicense: apache-2.0\n```", []),
        ("mit", "The licence permits the same as Apache 2.0.", []),
    ],
)
def test_licence_in_the_text(licence: str, line: str, expected: list[str]) -> None:
    """Another licence in the text is a warning; the same in other words, and prose about it, is nothing."""
    assert severities(rules.licence_not_the_texts, card(f"license: {licence}", line)) == expected


def test_base_only_in_the_text() -> None:
    """A base model that only the text names is given under today's name; prose is not guessed at."""
    found = only(rules.base_only_in_text, card(body=tuned("bert-base-uncased")))
    assert found.evidence == {"base_model": "google-bert/bert-base-uncased"}
    assert severities(rules.base_only_in_text, card(body="A fine-tuned version of [BERT](x.html).")) == []
    assert severities(rules.base_only_in_text, card(body=tuned("./save"))) == []
