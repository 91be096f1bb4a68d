"""A run's messages in the words of its tenant's template, or in ours with the reason told."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from workers.kind import Context, InnerJournal
from workers.kinds.pages import Made
from workers.outcome import Message
from workers.templating.apart import WALL_SECONDS, Ended
from workers.templating.parts import BadPart
from workers.templating.template import Template, worded


class Wording:
    """The template that a run's messages are worded by, looked up once. What it fails with is in `record`, and told once."""

    def __init__(self, ctx: Context[Any], template_id: UUID | None, name: str) -> None:
        self._ctx = ctx
        self._name = name
        self._book = cast("InnerJournal", ctx.journal).alerts()
        self._template = None if template_id is None else self._book.template(template_id)
        self._problem = None if template_id is None or self._template else "it was deleted"
        self._id = template_id

    def message(self, made: Made) -> Message:
        """The message in the template's words; in ours where there is none, or where it fails."""
        if self._template is None or self._problem is not None:
            return made.message
        # Of many alerts at one minute most wait for a process: a mail in our words in time is worth more than a late one.
        left = self._ctx.seconds_left()
        seconds, room = max(1.0, min(WALL_SECONDS, left / 4)), max(1.0, left / 2)
        try:
            return worded(made.message, self._template.sources, made.context, wall_seconds=seconds, room_seconds=room)
        except (BadPart, Ended) as error:
            self._problem = str(error)
            self._tell(self._template)
        return made.message

    def record(self) -> Mapping[str, Any]:
        """What the decision record says of it: nothing where no template was asked for."""
        if self._id is None:
            return {}
        version = self._template.version if self._template else None
        return {"template": {"templateId": str(self._id), "version": version, "problem": self._problem}}

    def _tell(self, template: Template) -> None:
        self._book.tell_once(
            template.id,
            template.version,
            f"The template {template.name} was not used",
            f"The mail of {self._name} went out in the words of Tocsin, since the template {template.name} (version "
            f"{template.version}) could not be used: {self._problem}. You are told of it once, until the template is saved anew.",
        )
