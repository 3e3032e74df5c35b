"""The content that a campaign has on this channel."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator


class EmailContent(BaseModel):
    """A message's parts. Each is a template: `Hi {{ customer.name }}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=998)] = Field(
        description="One line."
    )
    preheader: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None, description="Shown by mail programs after the subject; hidden in the message itself."
    )
    html: Annotated[str, StringConstraints(min_length=1)] | None = None
    text: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="For programs that show no HTML. Made from html when left out."
    )

    @field_validator("subject")
    @classmethod
    def _is_one_line(cls, subject: str) -> str:
        if len(subject.splitlines()) > 1:
            raise ValueError("A subject is one line")
        return subject

    @model_validator(mode="after")
    def _has_a_body(self) -> Self:
        if self.html is None and self.text is None:
            raise ValueError("A message has html, text or both")
        return self
