"""What a store says about its mail server."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from channels.email import addresses


class Security(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


def _address(value: str) -> str:
    fault = addresses.problem(value)
    if fault:
        raise ValueError(fault)
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("This is one line, without control characters.")
    return value


Host = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")]


class EmailSettings(BaseModel):
    """The SMTP server that takes the messages, and whom they come from."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    host: Host = Field(description="The mail server's name, such as smtp.example.com.")
    port: int = Field(default=587, ge=1, le=65535)
    security: Security = Field(
        default=Security.STARTTLS,
        description="none: plain text; starttls: encrypted after a greeting (port 587); tls: encrypted (port 465).",
    )
    username: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    password: SecretStr | None = None
    from_address: Annotated[str, AfterValidator(_address)] = Field(description="The address messages come from.")
    from_name: Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)] = Field(
        default="", description="The name shown beside that address."
    )

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both or neither.")
        return self
