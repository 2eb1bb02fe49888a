"""Train the demo's WordPiece vocabulary on the demo's issues, as it is committed.

Run it in the demo's locked environment, from the root of a checkout, on the issues that
`python -c "from repro.cases…"` wrote:

    repro env demo --yes                       # prints the environment's interpreter
    <its python> benchmarks/make_demo_vocabulary.py issues.jsonl repro/cases/demo/model/vocab.txt
"""

import json
import sys
from pathlib import Path

from tokenizers import BertWordPieceTokenizer

SIZE = 1500


def main(issues: str, vocabulary: str) -> None:
    """Read the issues' texts, train, and write one token a line."""
    with Path(issues).open(encoding="utf-8") as lines:
        texts = [issue["title"] + "\n\n" + issue["body"] for issue in map(json.loads, lines)]
    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(texts, vocab_size=SIZE, min_frequency=2, show_progress=False)
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    Path(vocabulary).write_text("".join(f"{token}\n" for token, _ in tokens), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
