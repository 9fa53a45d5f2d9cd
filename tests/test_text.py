"""Cleaning of text from outside."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.text import clean


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("plain text", "plain text"),
        ("  folded\r\n\tsubject  ", "folded subject"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("nul\x00byte", "nulbyte"),
        ("c1\x9bcontrol\x85line", "c1control line"),
        ("moc.\u202eelpmaxe\u202c", "moc.elpmaxe"),
        ("\u2066isolated\u2069 \u200emarked\u200f\u061c", "isolated marked"),
        ("\ufeffmarked", "marked"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("goo\u200bgle\u2060.com", "google.com"),
        ("hidden\U000e0041\U000e007f tag", "hidden tag"),
        ("not\u05f6yet assigned", "notyet assigned"),
        ("no\u00a0break\u3000wide\u2028line", "no break wide line"),
        ("Grüße, 例え", "Grüße, 例え"),
        ("\x01\x02", ""),
    ],
)
def test_control_and_direction_characters_are_gone(dirty, shown):
    assert clean(dirty, 100) == shown


def test_text_is_cut_at_the_limit_without_a_trailing_space():
    assert clean("one two three", 8) == "one two"


@given(st.text(), st.integers(0, 40))
def test_cleaned_text_is_one_storable_line(text, limit):
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert shown.encode() is not None
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"} for char in shown)
    assert clean(shown, limit) == shown
