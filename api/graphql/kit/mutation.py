"""Mutations: one transaction each, run again when it lost a race, and `userErrors` when a rule refuses."""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import strawberry
from sqlalchemy.exc import DBAPIError

from api.graphql.kit.access import asks
from api.graphql.kit.context import Info
from api.graphql.kit.errors import TOO_LARGE, user_errors
from api.graphql.kit.prices import priced
from api.transactions import write
from domain.kit.db import Transaction
from domain.kit.db.faults import is_overflow
from domain.kit.errors import DomainError, DomainErrors
from domain.stores.model import TokenScope

# The arguments are the client's, the answer is the payload: each mutation has its own.
Change = Callable[..., Awaitable[Any]]


def mutation(
    payload: Callable[..., Any],
    scope: TokenScope,
    *,
    description: str | None = None,
    errors_under: str | None = None,
    price: int | None = None,
) -> Callable[[Change], Any]:
    """Make a field of `async def name(self, context, tx, ...client's arguments)`, for tokens with the scope.

    It runs in one write transaction, or another one when that lost a race, and has no effect outside of it; one that
    does not take `tx` opens its own. A DomainError is answered with `payload(user_errors=...)`, its path below the
    argument `errors_under`, unless it is about the selecting `id`; so is a sum beyond what the database holds.
    """

    def decorate(change: Change) -> Any:
        signature = inspect.signature(change)
        self_, context_, *arguments = signature.parameters.values()
        in_transaction = bool(arguments) and arguments[0].name == "tx"
        info = context_.replace(name="info", annotation=Info)

        @wraps(change)
        async def resolve(self: None, info: Info, **values: Any) -> Any:
            context = info.context

            async def attempt(tx: Transaction) -> Any:
                # What an attempt that was rolled back has primed was never stored.
                context.forget()
                return await change(self, context, tx, **values)

            try:
                if not in_transaction:
                    return await change(self, context, **values)
                return await write(context.database, attempt)
            except DomainError as error:
                located = error
                if errors_under is not None:
                    located = DomainErrors(
                        fault if fault.field[:1] == ("id",) else fault.under(errors_under) for fault in error.errors
                    )
                return payload(user_errors=user_errors(located))
            except DBAPIError as error:
                if not is_overflow(error):
                    raise
                return payload(user_errors=user_errors(DomainError(TOO_LARGE)))

        client_arguments = arguments[1:] if in_transaction else arguments
        resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect.signature goes by
            parameters=[self_, info, *client_arguments], return_annotation=payload
        )
        metadata = asks(scope) if price is None else {**asks(scope), **priced(price)}
        return strawberry.mutation(resolve, description=description, metadata=metadata)

    return decorate
