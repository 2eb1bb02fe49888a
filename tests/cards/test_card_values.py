"""What holds for printed values and names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cards.values import snake, value
from repro.records.claims import Value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", 42), ("-3", -3), ("5e-05", 5e-05), ("1.0", 1.0), (".5", 0.5), ("2.", 2.0), ("1E4", 10000.0),
        ("True", True), ("False", False), ("No log", None), ("no log", None), ("", None),
        ("nan", "nan"), ("NaN", "nan"), ("-inf", "-inf"), ("+Infinity", "inf"), ("-nan", "nan"),
        ("**0.9823**", 0.9823), ("`16`", 16),
    ],
)  # fmt: skip
def test_value_is_what_the_text_means(text: str, expected: Value) -> None:
    """Numbers, booleans, `No log` and what is not finite get their value, through emphasis too."""
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "0,86", "1,234", "91.1370%", "**0.98**23", "0 .283908", "14*", "1_000", "٣", "2*2 = 4", "1e999",
        "5.0 (extended to 7.0)", "tf.Tensor(0.198, shape=())", "{'f1': 0.5}", "None", "multi-GPU", "1.2.3",
        "e5", "+", "-",
    ],
)  # fmt: skip
def test_what_is_no_number_stays_text(text: str) -> None:
    """What cannot be understood as one number is not made one."""
    assert value(text) == text


def test_integers_beyond_json_become_floats() -> None:
    """An integer that JSON readers would refuse is read as a float, however long it is."""
    assert value("1" + "0" * 30) == 1e30
    assert isinstance(value("1" * 400), str)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**17), 10**17))
def test_printed_numbers_come_back(number: float) -> None:
    """Whatever number Python prints is read as that number."""
    assert value(str(number)) == number


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("Validation Loss", "validation_loss"), ("eval_loss", "eval_loss"), ("F1 Macro", "f1_macro"),
        ("F1 (macro)", "f1_macro"), ("Rewards/chosen", "rewards/chosen"), ("  Gen  Len ", "gen_len"),
        ("cosine_accuracy@1", "cosine_accuracy@1"), ("**Wer**", "wer"), ("Accuracy (%)", "accuracy"),
        ("", ""),
    ],
)  # fmt: skip
def test_names_are_lower_snake_case(printed: str, name: str) -> None:
    """Metric and column names come out in lower snake case."""
    assert snake(printed) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**23.3%**", "23.3%"),
        ("`linear`", "linear"),
        ("**0.5**", 0.5),
        ("**a**", "**a**"),
        ("`a` and `b`", "`a` and `b`"),
        ("0.5 (+0.25)", 0.5),
        ("**0.5 (-0.25)**", 0.5),
        ("4 (2 each)", "4 (2 each)"),
    ],
)
def test_marks_and_differences_are_no_part_of_a_number(text: str, expected: object) -> None:
    """Neither code marks, emphasis around a number, nor a difference behind it are part of what is meant."""
    assert value(text) == expected
