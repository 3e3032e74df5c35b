"""The content of a campaign, and the messages that are made of it."""

from dataclasses import dataclass
from typing import Annotated

from muster_sdk import ContentInvalid, Message, Recipient, Shown, Template, TemplateInvalid, Templates
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Content", "TextComposer", "prepare_text"]


class Content(BaseModel):
    """The parts of a message; texts may be templates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] = Field(
        description="The text: {{ customer.name }} is the recipient's name"
    )


@dataclass(frozen=True, slots=True)
class TextComposer:
    """Makes a message for each recipient. The body of a message is its text."""

    text: Template

    def compose(self, recipient: Recipient) -> Message:
        """Return the recipient's message."""
        text = self.text.render(recipient.variables)
        return Message(recipient.key, recipient.address, text, len(text.encode(errors="replace")) + 200)

    def show(self, message: Message) -> Shown:
        """Return the message as staff see it."""
        text = str(message.body)
        return Shown(subject=None, html=None, text=text, payload={"to": message.address, "text": text})


def prepare_text(content: Content, templates: Templates) -> TextComposer:
    """Compile the text. Raise ContentInvalid when it is no template."""
    try:
        return TextComposer(templates.compile(content.text))
    except TemplateInvalid as error:
        raise ContentInvalid(error.message, path=("text",)) from error
