# SPDX-License-Identifier: GPL-3.0-or-later
"""Values to speech: every reply passes through `verbalise` on its way to the synthesizer, so wording may use
figures.

"$12,500.37" becomes "twelve thousand five hundred dollars and thirty seven cents", "ending in 4821" is read
digit by digit, and dates and times become words. What it doesn't know it leaves as it is.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

from spoken.numerals import ONES, TENS

_UNIT_WORDS = {value: word for word, value in ONES.items()}
_TENS_WORDS = {value: word for word, value in TENS.items() if word != "fourty"}
_SCALE_WORDS = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_MONTH_NAMES = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
]  # fmt: skip
_ORDINALS = {
    1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth",
    20: "twentieth", 30: "thirtieth",
}  # fmt: skip


def cardinal(number: int) -> str:
    """A whole number below a trillion in words: 12037 is "twelve thousand and thirty seven". Raises
    ValueError beyond.
    """
    if abs(number) >= 10**12:
        raise ValueError(f"{number} is too large to say")
    if number < 0:
        return "minus " + cardinal(-number)
    if number < 100:
        return _below_hundred(number)
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        head = f"{_UNIT_WORDS[hundreds]} hundred"
        return f"{head} and {_below_hundred(rest)}" if rest else head
    scale, word = next((scale, word) for scale, word in _SCALE_WORDS if number >= scale)
    count, rest = divmod(number, scale)
    head = f"{cardinal(count)} {word}"
    if not rest:
        return head
    return f"{head} {'and ' if rest < 100 else ''}{cardinal(rest)}"


def _below_hundred(number: int) -> str:
    if number < 20:
        return _UNIT_WORDS[number]
    tens, unit = divmod(number, 10)
    return _TENS_WORDS[tens * 10] + (f" {_UNIT_WORDS[unit]}" if unit else "")


def ordinal(number: int) -> str:
    """A whole number from 1 to 99 as an ordinal in words: 31 is "thirty first"."""
    if number in _ORDINALS:
        return _ORDINALS[number]
    tens, unit = divmod(number, 10)
    if number > 20 and unit:
        return f"{_TENS_WORDS[tens * 10]} {ordinal(unit)}"
    word = _below_hundred(number)
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def digit_by_digit(digits: str) -> str:
    """ "4821" as "four eight two one"; letters are spelled, anything else is a pause."""
    words = [_UNIT_WORDS[int(c)] if c.isdigit() else c.upper() for c in digits if c.isalnum()]
    return " ".join(words)


def money(amount: Decimal) -> str:
    """An amount in dollars and cents, in words."""
    sign = "minus " if amount < 0 else ""
    dollars, cents = divmod(int(abs(amount) * 100), 100)
    parts = []
    if dollars or not cents:
        parts.append(f"{cardinal(dollars)} dollar{'' if dollars == 1 else 's'}")
    if cents:
        parts.append(f"{cardinal(cents)} cent{'' if cents == 1 else 's'}")
    return sign + " and ".join(parts)


def decimal(number: str) -> str:
    """ "8.90" as "eight point nine zero"; a whole number as a cardinal; one with a leading zero digit by
    digit.
    """
    whole, _, fraction = number.replace(",", "").partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) > 12:
        return digit_by_digit(whole)
    words = cardinal(int(whole))
    return f"{words} point {digit_by_digit(fraction)}" if fraction else words


def date(day: dt.date) -> str:
    """A date as "the thirtieth of November twenty twenty six"."""
    return f"the {ordinal(day.day)} of {_MONTH_NAMES[day.month - 1]} {year(day.year)}"


def year(number: int) -> str:
    """A year in words: 1998 is "nineteen ninety eight", 2005 "two thousand and five"."""
    century, rest = divmod(number, 100)
    if number < 1100 or 2000 <= number < 2010:
        return cardinal(number)
    return f"{cardinal(century)} {'hundred' if not rest else ('oh ' if rest < 10 else '') + cardinal(rest)}"


def clock(hour: int, minute: int, half: str) -> str:
    """A time of day: (9, 30, "am") is "nine thirty a m"."""
    minutes = "" if not minute else f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    return f"{cardinal(hour)}{minutes} {half[0]} m"


def verbalise(text: str) -> str:
    """The text as a voice should read it: no figures or signs left, sentences and their punctuation
    unchanged.

    Unknown signs stay, and so do figures that make no sense as a date or time.
    """
    for pattern, speak in _RULES:
        text = pattern.sub(speak, text)
    return text


def _speak_date(match: re.Match[str]) -> str:
    try:
        return date(dt.date(*(int(part) for part in match.groups())))
    except ValueError:
        return digit_by_digit(match[0])


def _speak_clock(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2] or 0)
    if not 1 <= hour <= 12 or minute > 59:
        return match[0]
    return clock(hour, minute, match[3].lower())


def _speak_money(match: re.Match[str]) -> str:
    amount = Decimal(match[2].replace(",", ""))
    return money(-amount if match[1] else amount) if amount < 10**12 else match[0]


def _speak_percent(match: re.Match[str]) -> str:
    return f"{decimal(match[1])} percent"


def _speak_ending(match: re.Match[str]) -> str:
    return match[1] + digit_by_digit(match[2])


_RULES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b"), _speak_date),
    (re.compile(r"(-?)\$\s?(\d[\d,]*(?:\.\d{1,2})?)(?![\d])"), _speak_money),
    (re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?%"), _speak_percent),
    (re.compile(r"\b(\d{1,2})(?::(\d{2}))?\s?([ap])\.?m\b", re.IGNORECASE), _speak_clock),
    (
        re.compile(
            r"((?:ending|ends) in |(?:reference|number|code|case) (?:is )?)([A-Z]{0,3}[- ]?\d[\d -]*\d)",
            re.IGNORECASE,
        ),
        _speak_ending,
    ),
    (
        re.compile(r"(?<![\w.])(\d[\d,]*\.\d+|\d{1,3}(?:,\d{3})+|\d+)(?![\w])"),
        lambda match: decimal(match[1]),
    ),
    (re.compile(r"\bPIN\b"), lambda _: "pin"),
    (re.compile(r"\bAI\b"), lambda _: "A I"),
]
