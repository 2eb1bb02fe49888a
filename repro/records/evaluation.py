"""What a run's trained model makes of somebody's own texts, which are never kept."""

from __future__ import annotations

from repro.records.codec import Measured, Record


class Spread(Record, frozen=True, kw_only=True):
    """One figure over several draws of masks.

    Attributes:
        losses: The evaluation loss for each mask seed, in their order.
        mean: Of `losses`.
        lowest: Of `losses`.
        highest: Of `losses`.
        perplexity: The exponential of `mean`.
    """

    losses: tuple[Measured, ...]
    mean: Measured
    lowest: Measured
    highest: Measured
    perplexity: Measured


class Measurement(Record, frozen=True, kw_only=True):
    """Both models on one set of texts, under the same masks.

    Attributes:
        texts: How many texts the losses are over.
        trained: The model at the end of the training.
        base: The model that it began as; None where that is not at hand any more.
        gain: `base` minus `trained` under each seed's masks: what the training brought; its `perplexity` is
            the factor by which perplexity fell.
    """

    texts: int
    trained: Spread
    base: Spread | None = None
    gain: Spread | None = None


class Evaluation(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.evaluation/1"):
    """One evaluation of a finished run on one file.

    Attributes:
        run: The run's id.
        file: The file's name, without its folder.
        sha256: Of the file's bytes.
        when: RFC 3339 UTC.
        kind: `text`, `json-lines`, `csv`, `tsv`, `parquet`, or `case`: read by the case's own recipe.
        column: Where the texts stood; empty for plain lines and the case's recipe.
        limit: Only so many texts were read; None for all.
        empty: Texts left out: blank, or without one word that the vocabulary has.
        tokens: Tokens that were evaluated, those around each text left out.
        truncated: Texts cut at the sequence length; None where the case's recipe cuts them itself.
        unknown_share: Share of `tokens` that the vocabulary does not have.
        sequence_length: The case's.
        mask_probability: The case's.
        mask_seeds: Seeds of the masks, one pass over the texts each.
        own: The result on the file.
        case: The result on the case's own evaluation data; None where they are not at hand any more.
        weights: SHA-256 over the weights that were evaluated.
        step: The step of their checkpoint.
        device: What it was evaluated on.
        seconds: What it took.
        notes: What should be known about it.
    """

    run: str
    file: str
    sha256: str
    when: str
    kind: str
    column: str = ""
    limit: int | None = None
    empty: int
    tokens: int
    truncated: int | None = None
    unknown_share: float
    sequence_length: int
    mask_probability: float
    mask_seeds: tuple[int, ...]
    own: Measurement
    case: Measurement | None = None
    weights: str
    step: int
    device: str
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def of(self) -> tuple[str, str, str]:
        """What it is an evaluation of; another one of the same replaces it."""
        return self.sha256, self.kind, self.column
