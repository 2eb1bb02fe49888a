"""Audits made by hand, and one in which every text is an attack."""

from __future__ import annotations

from report_samples import ATTACKS, published_table

from repro.records.claims import Audit, Claim, Claims, Finding, Suppressed
from repro.records.summary import Summary
from repro.reports.audits import Shown, Writer
from repro.rules import Rule
from repro.rules.builtin import builtin

RULES: tuple[Rule, ...] = builtin()
ATTACK = " ".join(ATTACKS)


def sample(target: str = "cards/one.md") -> Shown:
    """A card with a finding of each severity, one of them on the whole card, and one held back."""
    claims = Claims(
        name="tiny",
        base_model="bert-base-uncased",
        hyperparameters={"learning_rate": Claim(text="5e-05", value=5e-05, line=21)},
        versions={"transformers": Claim(text="4.21.2", value="4.21.2", line=77)},
        evaluation={"loss": Claim(text="1.2520", value=1.252, line=14)},
        results=published_table(),
    )
    findings = (
        Finding(rule="RD501", severity="note", message="the data are not named", help="Name them."),
        Finding(
            rule="RT201",
            severity="warning",
            message="step 200 stands below step 291",
            line=66,
            help="add `step: 300`",
            evidence={"step": 200.0},
        ),
        Finding(rule="RT201", severity="error", message="step 1 stands below step 200", line=67),
    )
    audit = Audit(
        target=target,
        kind="trainer",
        claims=claims,
        findings=findings,
        suppressed=(Suppressed(rule="RT203", line=70, by="card", reason="checked by hand"),),
        skipped={"the card has no front matter": ("RM103", "RM104")},
    )
    return Shown(audit, {66: "| 1.5 | 2.0 | 200 | 1.4 |", 67: "---", 70: "| 1.4 | 3.0 | 300 | 1.3 |"})


def clean(target: str = "cards/clean.md") -> Shown:
    """A card without findings."""
    return Shown(Audit(target=target, kind="other", claims=Claims()))


def hostile() -> Shown:
    """A card all of whose texts are all attacks at once."""
    claim = Claim(text=ATTACK, value=ATTACK, line=1)
    claims = Claims(
        name=ATTACK,
        base_model=ATTACK,
        datasets=(ATTACK,),
        hyperparameters={ATTACK: claim},
        versions={ATTACK: claim},
        evaluation={ATTACK: claim},
        results=published_table(),
    )
    finding = Finding(
        rule="RT201", severity="error", message=ATTACK, line=3, help=ATTACK, evidence={ATTACK: ATTACK}
    )
    plugin = Finding(rule="ZZ999", severity="note", message=ATTACK, help=f"`{ATTACK}`")
    audit = Audit(
        target=ATTACK,
        kind="trainer",
        claims=claims,
        findings=(finding, plugin),
        suppressed=(Suppressed(rule="RT203", line=4, by="baseline", reason=ATTACK),),
        skipped={ATTACK: ("RM103",)},
    )
    return Shown(audit, {3: ATTACK, 4: ATTACK})


def written(writer: Writer, *cards: Shown, unreadable: tuple[tuple[str, str], ...] = ()) -> str:
    """What a writer makes of cards, as the pipeline asks it."""
    summary = Summary()
    pieces = [writer.begin()]
    for shown in cards:
        pieces.append(writer.card(shown))
        summary.add(shown.audit)
    for target, message in unreadable:
        pieces.append(writer.unreadable(target, message))
        summary.unreadable += 1
    return "".join([*pieces, writer.end(summary)])
