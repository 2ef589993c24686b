# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences that are known before any call: the agent's own prompts and the fixed responses of the
dialogue's domain.

They are synthesised at start, so that the first caller waits no longer than the hundredth.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from agent.clauses import split_clauses
from agent.turns.settings import Prompts

log = logging.getLogger(__name__)


def fixed_clauses(prompts: Prompts, domain: Path | None) -> list[str]:
    """Every clause without a placeholder, once, in order.

    A domain that can't be read costs speed, not the start.
    """
    texts = [str(text) for text in prompts.model_dump().values()]
    if domain is not None:
        texts += _domain_texts(domain)
    clauses = (clause for text in texts for clause in split_clauses(text))
    return list(dict.fromkeys(clause for clause in clauses if "{" not in clause))


def _domain_texts(domain: Path) -> Iterator[str]:
    for path in sorted(domain.rglob("*.yml")) if domain.is_dir() else [domain]:
        try:
            content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            for variants in content.get("responses", {}).values():
                yield from (variant["text"] for variant in variants if variant.get("text"))
        except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
            log.warning("%s: its responses are not synthesised ahead: %s", path, error)
