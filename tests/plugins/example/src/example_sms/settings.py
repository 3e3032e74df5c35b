"""The settings of a store: where the provider is, and who sends."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic.alias_generators import to_camel

__all__ = ["Settings"]


class Settings(BaseModel):
    """Secrets are `SecretStr`: Muster encrypts them, and shows them to nobody."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    api_base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s]*)?[^\s/]$")] = Field(
        default="https://api.provider.example/v1",
        description="The address of the provider's API, without a slash at the end",
    )
    token: SecretStr = Field(min_length=8, description="The token of the provider's API")
    webhook_secret: SecretStr = Field(min_length=8, description="The secret by which the provider signs webhooks")
    sender: Annotated[str, StringConstraints(min_length=1, max_length=50)] = Field(
        description="The sender that recipients see, as the provider knows it"
    )
    messages_per_second: float = Field(default=10, gt=0, le=1_000, description="The rate of your account there")
