"""The settings by which a store connects its mail server."""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Self

from muster_sdk import AddressInvalid, smtp_mailbox
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator, model_validator
from pydantic.alias_generators import to_camel

_ACCOUNT_LENGTH = 200


class Security(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


Host = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")]


class EmailSettings(BaseModel):
    """The SMTP server that takes the messages, and their sender."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    host: Host = Field(description="The mail server's name, such as smtp.example.com.")
    port: int = Field(default=587, ge=1, le=65535)
    security: Security = Field(
        default=Security.STARTTLS,
        description="none: plain text; starttls: encrypted after the greeting (port 587); tls: encrypted (port 465).",
    )
    username: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    password: SecretStr | None = None
    from_address: str = Field(description="The sender's address.")
    from_name: Annotated[str, StringConstraints(max_length=200)] = Field(
        default="", description="The sender's name, shown beside the address."
    )
    messages_per_second: float | None = Field(
        default=None,
        ge=0.01,
        le=10_000,
        description="Messages a second that the mail server takes from this account, whatever sends them; "
        "without it, as many as it takes.",
    )

    @property
    def account(self) -> str:
        """Return a name of the account at the mail server, of 200 characters at most."""
        account = self.host if self.username is None else f"{self.username}@{self.host}"
        return account if len(account) <= _ACCOUNT_LENGTH else sha256(account.encode()).hexdigest()

    @field_validator("from_address")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        try:
            smtp_mailbox(address)
        except AddressInvalid as error:
            raise ValueError(f"This is no e-mail address: {error}") from error
        return address

    @field_validator("from_name")
    @classmethod
    def _is_one_line(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("A name is one line, without control characters")
        return name

    @model_validator(mode="after")
    def _has_both_credentials_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("Username and password go together: give both or neither")
        return self
