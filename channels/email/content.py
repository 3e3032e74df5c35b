"""What a campaign says by e-mail."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator


def _one_line(value: str) -> str:
    if len(value.splitlines()) > 1:
        raise ValueError("A subject is one line.")
    return value


class EmailContent(BaseModel):
    """A message's parts. Each is a template: `Hi {{ customer.name }}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=998), AfterValidator(_one_line)
    ] = Field(description="One line.")
    preheader: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None, description="What mail programs show after the subject; hidden in the message itself."
    )
    html: Annotated[str, StringConstraints(min_length=1)] | None = None
    text: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="For programs that show no HTML. Made from html when left out."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.html is None and self.text is None:
            raise ValueError("A message has html, text or both.")
        return self
