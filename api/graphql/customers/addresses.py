"""Postal addresses of customers."""

import strawberry

from api.graphql.kit.fields import derived
from domain.customers import model


@strawberry.type
class Address:
    address: strawberry.Private[model.Address]

    country: str | None = derived(lambda self: self.address.country, description="ISO 3166-1 alpha-2.")
    region: str | None = derived(lambda self: self.address.region, description="A state, province or county.")
    city: str | None = derived(lambda self: self.address.city)
    postcode: str | None = derived(lambda self: self.address.postcode)
    street: str | None = derived(lambda self: self.address.street)
    company: str | None = derived(lambda self: self.address.company)
    latitude: float | None = derived(lambda self: self.address.latitude, description="Degrees, WGS 84.")
    longitude: float | None = derived(lambda self: self.address.longitude, description="Degrees, WGS 84.")


@strawberry.input
class AddressInput:
    country: str | None = None
    region: str | None = None
    city: str | None = None
    postcode: str | None = None
    street: str | None = None
    company: str | None = None
    latitude: float | None = strawberry.field(default=None, description="Degrees, WGS 84.")
    longitude: float | None = strawberry.field(default=None, description="Degrees, WGS 84.")

    def address(self) -> model.Address:
        return model.Address(
            self.country,
            self.region,
            self.city,
            self.postcode,
            self.street,
            self.company,
            self.latitude,
            self.longitude,
        )
