# SPDX-License-Identifier: GPL-3.0-or-later
"""Rasa over the project's own channel (`channels/voice.py`), which answers one merged JSON object a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from agent.dialogue import DialogueUnavailable
from agent.settings import DialogueSettings
from contracts.reply import DialogueTurn, Foreseen

_TURN = "/webhooks/voice/turn"
_FORESEE = "/webhooks/voice/foresee"

Answer = TypeVar("Answer", bound=BaseModel)


class RasaDialogue:
    """A Dialogue on a Rasa server. One instance serves all calls of the process over kept connections."""

    def __init__(self, settings: DialogueSettings) -> None:
        # Nothing of the environment's proxies: the server is on this machine or inside the bank.
        self._timeout_s = settings.timeout_s
        self._client = httpx.AsyncClient(base_url=settings.url, timeout=settings.timeout_s, trust_env=False)

    async def answer(self, call_id: str, text: str, metadata: Mapping[str, str]) -> DialogueTurn:
        """Ask Rasa. Raises DialogueUnavailable for a dead, slow or lying server."""
        body = {"call": call_id, "text": text, "metadata": dict(metadata)}
        return await self._post(_TURN, body, DialogueTurn)

    async def foresee(self, call_id: str, text: str) -> Foreseen:
        """What Rasa would make of the words. Raises DialogueUnavailable for a dead, slow or lying server."""
        return await self._post(_FORESEE, {"call": call_id, "text": text, "metadata": {}}, Foreseen)

    async def _post(self, path: str, body: dict[str, Any], shape: type[Answer]) -> Answer:
        try:
            # httpx bounds each read; a caller waits for the whole.
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.post(path, json=body)
            response.raise_for_status()
            return shape.model_validate_json(response.content)
        except TimeoutError as error:
            raise DialogueUnavailable(f"Rasa gave no answer in {self._timeout_s:g} s") from error
        except httpx.HTTPStatusError as error:
            raise DialogueUnavailable(f"Rasa answered {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise DialogueUnavailable(f"Rasa gave no answer: {type(error).__name__}") from error
        except ValidationError as error:
            raise DialogueUnavailable(
                f"Rasa's answer is not what was agreed: {error.error_count()} faults"
            ) from error

    async def close(self) -> None:
        """Drop the connections."""
        await self._client.aclose()
