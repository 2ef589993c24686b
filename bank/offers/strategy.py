# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy file: which event makes which offer, read into rules that can be applied and explained.

Business people edit it, so a mistake is named with its rule and key, and a file with a mistake is refused as
a whole.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bank.offers.events import CustomerEvent, Trigger

_EVENT_FIELDS: dict[str, frozenset[str]] = {
    "salary_credited": frozenset({"amount"}),
    "deposit_maturing": frozenset({"amount", "days_to_maturity"}),
    "loan_page_viewed": frozenset({"product"}),
}
_PLACEHOLDERS = frozenset({"amount", "product_name", "days_to_maturity"})
CustomerField = Literal["monthly_income", "credit_score", "age", "savings_balance"]
CUSTOMER_FIELDS: frozenset[str] = frozenset({"monthly_income", "credit_score", "age", "savings_balance"})
Facts = Mapping[CustomerField, Decimal]


class StrategyError(ValueError):
    """The strategy file can't be used; the text names the file, the place and the mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Strict):
    """A field of the event or the customer and exactly one of the three comparisons."""

    field: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    equals: Decimal | str | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Condition:
        given = [value for value in (self.at_least, self.at_most, self.equals) if value is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of at_least, at_most, equals")
        return self

    def holds(self, value: Decimal | str) -> bool:
        """Whether the value meets the comparison; text only ever equals."""
        if self.equals is not None:
            return str(value) == str(self.equals)
        if isinstance(value, str):
            return False
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most


class Rule(_Strict):
    """One kind of offer and when it is made."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    trigger: Trigger
    conditions: tuple[Condition, ...] = ()
    product: Annotated[str, Field(min_length=1, max_length=64)]
    product_name: Annotated[str, Field(min_length=1, max_length=80)]
    priority: Annotated[int, Field(ge=0, le=100)]
    valid_days: Annotated[int, Field(ge=1, le=365)]
    wording: Annotated[str, Field(min_length=1, max_length=400)]

    @field_validator("wording")
    @classmethod
    def _known_placeholders(cls, wording: str) -> str:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(wording) if name is not None}
        except ValueError as error:
            raise ValueError(f"{error}; write a placeholder as {{amount}}") from None
        if unknown := names - _PLACEHOLDERS:
            known = ", ".join(sorted(_PLACEHOLDERS))
            raise ValueError(f"unknown placeholder {sorted(unknown)}; there are {known}")
        return wording

    @model_validator(mode="after")
    def _fields_belong_to_the_trigger(self) -> Rule:
        allowed = _EVENT_FIELDS[self.trigger] | CUSTOMER_FIELDS
        for condition in self.conditions:
            if condition.field not in allowed:
                raise ValueError(
                    f"condition on {condition.field!r}: {self.trigger} knows {', '.join(sorted(allowed))}"
                )
        for _, name, _, _ in string.Formatter().parse(self.wording):
            if name not in {None, "product_name"} and name not in _EVENT_FIELDS[self.trigger]:
                raise ValueError(f"wording uses {{{name}}}, which {self.trigger} doesn't carry")
        return self

    def applies(self, event: CustomerEvent, facts: Facts) -> bool:
        """Whether the event makes this offer to a customer with these facts."""
        if event.type != self.trigger:
            return False
        values = _values(event) | {str(name): value for name, value in facts.items()}
        return all(c.field in values and c.holds(values[c.field]) for c in self.conditions)

    def words(self, event: CustomerEvent) -> str:
        """The wording for this event, with its amount in figures."""
        values: dict[str, Any] = dict(_values(event))
        if "amount" in values:
            values["amount"] = _figures(values["amount"])
        return self.wording.format(product_name=self.product_name, **values)


class Strategy(_Strict):
    """A version of the rules."""

    version: Annotated[int, Field(ge=1)]
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _unique_names(self) -> Strategy:
        names = [rule.name for rule in self.rules]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two rules are called {sorted(twice)}")
        return self

    def matching(self, event: CustomerEvent, facts: Facts) -> list[Rule]:
        """The rules that fire, highest priority first."""
        fired = [rule for rule in self.rules if rule.applies(event, facts)]
        return sorted(fired, key=lambda rule: -rule.priority)


def load_strategy(path: Path) -> Strategy:
    """Read a strategy file. Raises StrategyError."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StrategyError(f"{path}: can't be read ({error.strerror}); set TELLERLINE_STRATEGIES") from None
    except yaml.YAMLError as error:
        raise StrategyError(f"{path}: no valid YAML: {error}") from None
    try:
        return Strategy.model_validate(raw)
    except ValidationError as error:
        mistakes = "; ".join(
            _place(raw, item["loc"]) + item["msg"] for item in error.errors(include_url=False)
        )
        raise StrategyError(f"{path}: {mistakes}") from None


def _place(raw: Any, where: tuple[int | str, ...]) -> str:
    """ "rule salary_saver, priority: " for the location of a validation error."""
    parts = list(where)
    head = ""
    if len(parts) >= 2 and parts[0] == "rules" and isinstance(parts[1], int):
        rule = raw["rules"][parts[1]]
        name = rule.get("name") if isinstance(rule, dict) else None
        head = f"rule {name or parts[1] + 1}"
        parts = parts[2:]
    tail = ".".join(str(part) for part in parts)
    place = ", ".join(part for part in (head, tail) if part)
    return f"{place}: " if place else ""


def _values(event: CustomerEvent) -> dict[str, Decimal | str]:
    values: dict[str, Decimal | str] = {}
    for name in _EVENT_FIELDS[event.type]:
        value = getattr(event, name)
        values[name] = Decimal(value) if isinstance(value, int) else value
    return values


def _figures(amount: Decimal) -> str:
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"
