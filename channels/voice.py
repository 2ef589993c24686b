# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's channel into Rasa: one turn in, one JSON object out, as `contracts.reply.DialogueTurn`
describes it; and words that are not a turn yet, answered as `contracts.reply.Foreseen`.

Rasa's REST channel splits a reply into text and custom parts, hides which actions ran, and answers an action
server that is down with silence. This one merges, names, and fails aloud. It runs on CPython 3.10 inside the
Rasa server and can't share code with the other rooms.
"""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.core.processor import MessageProcessor
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from channels import action_server
from channels.foresight import Foresight

logger = logging.getLogger(__name__)

MAX_TEXT_CHARS = 2000
MAX_CALL_ID_CHARS = 200
_OF_THE_AGENT = ("/call_started", "/keys{", "/nlu_fallback")
_REPLY_FIELDS = (
    "expect", "digits", "sensitive", "barge_in", "action", "target", "briefing", "turn", "voice",
)  # fmt: skip


class MalformedTurn(ValueError):
    """The request is no turn; the text says what is wrong with it."""


class TurnOutput(OutputChannel):
    """Collects one turn: what is said, which actions ran, and what went wrong in them."""

    def __init__(self) -> None:
        self.replies: list[dict[str, Any]] = []
        self.actions: list[str] = []
        self.failures: list[str] = []
        self.intent: dict[str, Any] = {"name": "", "confidence": 0.0}

    @classmethod
    def name(cls) -> str:
        """The channel's name in responses."""
        return "voice"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Merge a response's text and custom fields into one reply."""
        custom = message.get("custom") or {}
        reply = {field: custom[field] for field in _REPLY_FIELDS if custom.get(field) is not None}
        reply["text"] = message.get("text") or ""
        reply["name"] = message.get("utter_action") or ""
        self.replies.append(reply)


class VoiceInput(InputChannel):
    """`POST /webhooks/voice/turn` with `{"call", "text", "metadata"}`; `POST /webhooks/voice/foresee` with
    the same before the turn is sure; `GET /webhooks/voice/` says that it lives.

    Answers 400 to what is no turn and 500 when an action failed, both as `{"error": reason}`.
    """

    def __init__(self) -> None:
        self._foresight = Foresight()

    @classmethod
    def name(cls) -> str:
        """The channel's name in its URL."""
        return "voice"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> VoiceInput:
        """Made from credentials.yml, which has nothing to say but that the channel is there."""
        return cls()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's routes."""
        routes = Blueprint("voice_webhook", __name__)

        @routes.listener("after_server_start")
        async def settle(*_: Any) -> None:
            # The model stays: nobody should wait while the collector walks all of it.
            gc.collect()
            gc.freeze()
            logger.info("%d objects of the model set aside from collection", gc.get_freeze_count())

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            agent = getattr(request.app.ctx, "agent", None)
            ready = agent is not None and agent.is_ready()
            return response.json({"status": "ok" if ready else "no model"}, status=200 if ready else 503)

        @routes.route("/turn", methods=["POST"])
        async def turn(request: Request) -> HTTPResponse:
            return await self._with_message(request, functools.partial(self._answer, on_new_message))

        @routes.route("/foresee", methods=["POST"])
        async def foresee(request: Request) -> HTTPResponse:
            return await self._with_message(request, self._foresee)

        return routes

    async def _with_message(
        self, request: Request, work: Callable[[Agent, UserMessage, TurnOutput], Awaitable[HTTPResponse]]
    ) -> HTTPResponse:
        """Do the work on the request's message, if it is one and the model is there."""
        try:
            message, output = _user_message(_json(request))
        except MalformedTurn as error:
            return response.json({"error": str(error)}, status=400)
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return response.json({"error": "no trained model is loaded; run `make setup`"}, status=503)
        return await work(agent, message, output)

    async def _answer(
        self,
        on_new_message: Callable[[UserMessage], Awaitable[Any]],
        agent: Agent,
        message: UserMessage,
        output: TurnOutput,
    ) -> HTTPResponse:
        message.parse_data = self._foresight.parse_for(message.sender_id, message.text)
        try:
            await on_new_message(message)
        except Exception as error:
            logger.exception("turn of call %s failed", message.sender_id)
            output.failures.append(f"{type(error).__name__}: {error}")
        if output.failures:
            return response.json({"error": "; ".join(output.failures), "actions": output.actions}, status=500)
        return response.json({"replies": output.replies, "intent": output.intent, "actions": output.actions})

    async def _foresee(self, agent: Agent, message: UserMessage, output: TurnOutput) -> HTTPResponse:
        try:
            return response.json(await self._foresight.foresee(agent, message))
        except Exception as error:
            logger.exception("call %s could not be foreseen", message.sender_id)
            return response.json({"error": f"{type(error).__name__}: {error}"}, status=500)


def _json(request: Request) -> Any:
    try:
        return request.json
    except Exception:
        raise MalformedTurn("the body is no JSON") from None


def _user_message(body: Any) -> tuple[UserMessage, TurnOutput]:
    if not isinstance(body, dict):
        raise MalformedTurn('the body must be a JSON object {"call", "text", "metadata"}')
    call, text, metadata = body.get("call"), body.get("text"), body.get("metadata")
    if not isinstance(call, str) or not 0 < len(call) <= MAX_CALL_ID_CHARS:
        raise MalformedTurn(f"call: a text of 1 to {MAX_CALL_ID_CHARS} characters is required")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_TEXT_CHARS:
        raise MalformedTurn(f"text: a text of 1 to {MAX_TEXT_CHARS} characters is required")
    if metadata is not None and not isinstance(metadata, dict):
        raise MalformedTurn("metadata: must be an object")
    output = TurnOutput()
    return UserMessage(_words(text), output, call, input_channel="voice", metadata=metadata or {}), output


def _words(text: str) -> str:
    """Rasa takes what begins with a slash for an intent: only the agent may name one, not a caller."""
    return text if text.startswith(_OF_THE_AGENT) else text.lstrip("/ ") or "-"


def _recording_run_action(original: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
    """Let the turn's output know which actions ran, and what was understood."""

    @functools.wraps(original)
    async def run_action(
        self: MessageProcessor,
        action: Any,
        tracker: Any,
        output_channel: OutputChannel,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        if isinstance(output_channel, TurnOutput):
            latest = tracker.latest_message
            if latest is not None and latest.intent:
                confidence = float(latest.intent.get("confidence") or 0.0)
                output_channel.intent = {"name": latest.intent.get("name") or "", "confidence": confidence}
            if action.name() not in ("action_listen", "action_session_start"):
                output_channel.actions.append(action.name())
        return await original(self, action, tracker, output_channel, *args, **kwargs)

    return run_action


def _reporting_run(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Rasa logs an action's failure and goes on in silence; a caller must hear something."""

    @functools.wraps(original)
    async def run(self: RemoteAction, output_channel: OutputChannel, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, output_channel, *args, **kwargs)
        except ActionExecutionRejection:
            raise
        except Exception as error:
            if isinstance(output_channel, TurnOutput):
                output_channel.failures.append(f"{self.name()}: {str(error) or type(error).__name__}")
            raise

    return run


def _install() -> None:
    """Put the changes in, once: a module can be imported under two names."""
    if getattr(MessageProcessor, "_tellerline", False):
        return
    MessageProcessor._tellerline = True  # type: ignore[attr-defined]
    action_server.install()
    RemoteAction.run = _reporting_run(RemoteAction.run)  # type: ignore[method-assign]
    MessageProcessor._run_action = _recording_run_action(MessageProcessor._run_action)  # type: ignore[method-assign]


_install()
