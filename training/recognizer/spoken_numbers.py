# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers the way callers say them: amounts, terms, digit strings, dates and times, as random draws."""

from __future__ import annotations

import random

_UNIT_NAMES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_ORDINAL_NAMES = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
"""
_TEN_NAMES = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_MONTH_NAMES = "january february march april may june july august september october november december"
UNITS, TENS, ORDINALS, MONTHS = (
    names.split() for names in (_UNIT_NAMES, _TEN_NAMES, _ORDINAL_NAMES, _MONTH_NAMES)
)
GRANDS = (*range(1, 20), 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200)
_OTHER_NUMBER_NAMES = """
hundred hundred thousand thousand million and oh double point half grand dollars months years
"""
NUMBER_WORDS = (*UNITS, *TENS[2:], *UNITS[1:10], *_OTHER_NUMBER_NAMES.split())
CURRENCIES = ("dollars", "dollars", "dollars", "euros", "pounds", "yuan")


def cardinal(number: int, rng: random.Random) -> str:
    """A whole number below a thousand million in words, "and" after hundreds by chance."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f" {UNITS[number % 10]}" if number % 10 else "")
    for size, word in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if number >= size:
            head = "a" if number // size == 1 and rng.random() < 0.4 else cardinal(number // size, rng)
            rest = number % size
            joint = " and " if rest and rest < 100 and rng.random() < 0.4 else " "
            return f"{head} {word}" + (f"{joint}{cardinal(rest, rng)}" if rest else "")
    raise ValueError(f"no words for {number}: give a number from 0 to 999,999,999")


def amount(rng: random.Random, *, currency: bool | None = None) -> str:
    """An amount of money; with a currency, without, or by chance (None)."""
    roll = rng.random()
    if roll < 0.08:
        return f"{cardinal(rng.choice(GRANDS), rng)} grand"
    if roll < 0.14:
        text = f"{UNITS[rng.randint(1, 19)]} and a half thousand"
    elif roll < 0.19:
        whole, tenths = UNITS[rng.randint(1, 9)], UNITS[rng.randint(1, 9)]
        text = f"{whole} point {tenths} {rng.choice(('million', 'thousand'))}"
    elif roll < 0.22:
        text = rng.choice(
            (
                "half a million",
                "a quarter of a million",
                "a million",
                "a thousand",
                "a hundred",
                "one and a half million",
                "two million",
                "a couple of thousand",
            )
        )
    else:
        text = cardinal(_round_number(rng), rng)
    with_currency = rng.random() < 0.45 if currency is None else currency
    if not with_currency:
        return text
    unit = rng.choice(CURRENCIES)
    text = f"{text} {unit}"
    if rng.random() < 0.06 and unit in ("dollars", "euros"):
        text = f"{text} and {cardinal(rng.randint(1, 99), rng)} cents"
    return text


def _round_number(rng: random.Random) -> int:
    roll = rng.choices(range(9), (22, 22, 10, 12, 8, 8, 8, 5, 5))[0]
    if roll == 0:
        return rng.randint(1, 99) * 1000
    if roll == 1:
        return rng.randint(1, 9) * 100_000 + rng.choice((0, 0, 0, 10, 20, 25, 50, 50, 60, 75, 80)) * 1000
    first, last, step = (
        (2, 19, 5000), (2, 99, 500), (10, 99, 100), (1, 99, 1), (1, 20, 50), (100, 999, 1), (1000, 99_999, 1)
    )[roll - 2]  # fmt: skip
    return rng.randint(first, last) * step


def term(rng: random.Random) -> str:
    """A loan's term."""
    roll = rng.random()
    if roll < 0.45:
        months = rng.choice(
            (6, 12, 12, 18, 24, 24, 30, 36, 36, 48, 48, 60, 60, 72, 84, 96, 120, rng.randint(3, 99))
        )
        return f"{cardinal(months, rng)} months"
    if roll < 0.85:
        years = rng.choice((1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 8, 10, 10, 12, 15, 20, 25, 30))
        return (
            rng.choice(("one year", "a year"))
            if years == 1
            else f"{UNITS[years] if years < 20 else cardinal(years, rng)} years"
        )
    if roll < 0.93:
        return rng.choice(
            (
                "a year and a half",
                "half a year",
                "one and a half years",
                "two and a half years",
                "three and a half years",
                "two years and six months",
            )
        )
    return f"{UNITS[rng.randint(2, 9)]} (to|or) {UNITS[rng.randint(3, 10)]} years"


def digits(rng: random.Random, count: int) -> str:
    """A string of `count` digits, zero sometimes as "oh", a repeated digit sometimes as "double"."""
    values = [rng.randint(0, 9) for _ in range(count)]
    oh = rng.random() < 0.4
    words: list[str] = []
    position = 0
    while position < count:
        value = values[position]
        word = "oh" if value == 0 and oh else UNITS[value]
        if position + 1 < count and values[position + 1] == value and rng.random() < 0.4:
            words += ["double", word]
            position += 2
        else:
            words.append(word)
            position += 1
    return " ".join(words)


def date(rng: random.Random) -> str:
    """A day and month."""
    day, month = rng.randint(1, 31), rng.choice(MONTHS)
    if day <= 20:
        ordinal = ORDINALS[day - 1]
    elif day < 30:
        ordinal = f"twenty {ORDINALS[day - 21]}"
    else:
        ordinal = ("thirtieth", "thirty first")[day - 30]
    return rng.choice(
        (f"the {ordinal} of {month}", f"{month} {ordinal}", f"{month} the {ordinal}", f"{ordinal} of {month}")
    )


def year(rng: random.Random) -> str:
    """A year of birth or of a payment."""
    unit = UNITS[rng.randint(1, 9)]
    return rng.choice(
        (
            f"nineteen {rng.choice(TENS[4:])} {unit}",
            f"nineteen {rng.choice(TENS[4:])}",
            f"two thousand and {unit}",
            f"twenty twenty {unit}",
            f"nineteen {rng.choice(TENS[6:])} {unit}",
        )
    )


def clock_time(rng: random.Random) -> str:
    """A time of day."""
    tail = rng.choice((" o'clock", " thirty", " fifteen", " in the morning", " in the afternoon", ""))
    return rng.choice((f"{UNITS[rng.randint(1, 12)]}{tail}", f"half past {UNITS[rng.randint(1, 12)]}"))


def random_number_words(rng: random.Random) -> str:
    """Number words without grammar: what keeps the decoder from guessing the next one."""
    roll = rng.random()
    if roll < 0.45:
        return digits(rng, rng.choices((1, 2, 3, 4, 5, 6, 8), (3, 4, 4, 4, 3, 3, 1))[0])
    if roll < 0.65:
        return cardinal(int(10 ** rng.uniform(0.3, 6.5)), rng)
    return " ".join(rng.choice(NUMBER_WORDS) for _ in range(rng.randint(1, 6)))
