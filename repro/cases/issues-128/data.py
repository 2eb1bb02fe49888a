"""Issues of a code repository as data for masked language modelling.

Runs inside the environment. The recipe is that of chapter 9 of *Natural Language Processing with
Transformers* (Tunstall, von Werra, Wolf; 2022), written anew from its description: train on the issues
without one of nine labels, evaluate on half of those with one.
"""

import json

import datasets
import numpy
from sklearn.preprocessing import MultiLabelBinarizer
from skmultilearn.model_selection import iterative_train_test_split

# Label on the tracker -> class name. An issue with at least one of them counts as labelled.
LABELS = {
    "Core: Tokenization": "tokenization",
    "New model": "new model",
    "Core: Modeling": "model training",
    "Usage": "usage",
    "Core: Pipeline": "pipeline",
    "TensorFlow": "tensorflow or tf",
    "PyTorch": "pytorch",
    "Examples": "examples",
    "Documentation": "documentation",
}
SPLIT_SEED = 0


def build(file, tokenizer, sequence_length):
    """Make the two data sets.

    Args:
        file: One JSON object a line, in the shape of the GitHub REST API's issues.
        tokenizer: The tokenizer of the model.
        sequence_length: Longer texts are truncated to this many tokens.

    Returns:
        Training set (unlabelled issues) and evaluation set (half of the labelled ones), tokenised, in the
        order of the file and of the split.
    """
    unlabelled, labelled = _read(file)
    kept = _stratified_half([labels for _, labels in labelled])
    evaluation = [labelled[i][0] for i in kept]
    return (
        _tokenise([text for text, _ in unlabelled], tokenizer, sequence_length),
        _tokenise(evaluation, tokenizer, sequence_length),
    )


def _read(file):
    """Return the (text, class names) pairs without and with a label; a text is taken the first time only."""
    unlabelled, labelled, seen = [], [], set()
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            issue = json.loads(line)
            text = issue["title"] + "\n\n" + (issue["body"] or "")
            if text in seen:
                continue
            seen.add(text)
            names = [LABELS[label["name"]] for label in issue["labels"] if label["name"] in LABELS]
            (labelled if names else unlabelled).append((text, names))
    return unlabelled, labelled


def _stratified_half(labels):
    """Return the indices of one half, with about half of each label in it.

    The split draws from numpy's global random numbers: the published recipe seeds them once and splits the
    labelled issues in half, and then the second half in half again. Only the first half is used here.
    """
    binarizer = MultiLabelBinarizer().fit([list(LABELS.values())])
    indices = numpy.arange(len(labels)).reshape(-1, 1)
    numpy.random.seed(SPLIT_SEED)
    half, _, _, _ = iterative_train_test_split(indices, binarizer.transform(labels), 0.5)
    return half[:, 0].tolist()


def _tokenise(texts, tokenizer, sequence_length):
    def tokenise(batch):
        return tokenizer(
            batch["text"], truncation=True, max_length=sequence_length, return_special_tokens_mask=True
        )

    return datasets.Dataset.from_dict({"text": texts}).map(tokenise, batched=True, remove_columns=["text"])
