"""Mutations: one transaction and one audit entry each, run again when a race was lost; `userErrors` of rules."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

import strawberry
from sqlalchemy.exc import DBAPIError

from api.graphql.kit.access import asks
from api.graphql.kit.audited import Audited, Observe
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import TOO_LARGE, user_errors
from api.graphql.kit.prices import priced
from api.transactions import write
from domain.audit.model import AuditEntry, bounded_codes
from domain.audit.queries import record
from domain.kit.db import Transaction
from domain.kit.db.faults import is_overflow
from domain.kit.errors import DomainError, DomainErrors
from domain.stores.model import TokenScope

# The arguments are the client's, the answer is the payload: each mutation has its own.
Change = Callable[..., Awaitable[Any]]
# Does what takes long, or runs a channel's code, before the transaction.
Prepare = Callable[[Context, Mapping[str, Any]], Awaitable[Any]]
# Adds the entry of the audit log, in the transaction that makes the answer true.
Record = Callable[[Transaction, Any], Awaitable[None]]


def mutation(
    payload: Callable[..., Any],
    scope: TokenScope,
    *,
    description: str | None = None,
    errors_under: str | None = None,
    price: int | None = None,
    observe: Observe | None = None,
    shown: tuple[str, ...] = (),
    prepare: Prepare | None = None,
) -> Callable[[Change], Any]:
    """Make a field of `async def name(self, context, tx, ...client's arguments)`, for tokens with the scope.

    It runs in one write transaction, or another one when that lost a race, and has no effect outside of it; one that
    takes `record` instead of `tx` opens its own, and records itself in the last. A DomainError is answered with
    `payload(user_errors=...)`, its path below the argument `errors_under`, unless it is about the selecting `id`; so is
    a sum beyond what the database holds. Each call leaves one entry in the audit log: of the object that `observe`
    reads, or that the first ID names, or else of the answer's; `shown` as Audited has it. What `prepare` returns is the
    argument `prepared`: it runs before the transaction, and may take long.
    """

    def decorate(change: Change) -> Any:
        signature = inspect.signature(change)
        self_, context_, tx_or_record, *others = signature.parameters.values()
        client_arguments = [parameter for parameter in others if parameter.name != "prepared"]
        in_transaction = tx_or_record.name == "tx"
        audited = Audited.of(change.__name__, client_arguments, observe, shown)

        async def run(context: Context, values: Mapping[str, Any]) -> Any:
            prepared = {} if prepare is None else {"prepared": await prepare(context, values)}
            if not in_transaction:
                entries = _OwnEntry(context, audited, values)
                answer = await change(None, context, entries.record, **values, **prepared)
                assert entries.recorded, f"{audited.action} has not recorded itself"
                return answer

            async def attempt(tx: Transaction) -> Any:
                # What an attempt that was rolled back has primed was never stored.
                context.forget()
                before = await audited.observed(context, tx, values) if context.services.audit.before else None
                answer = await change(None, context, tx, **values, **prepared)
                after = audited.answered(values, answer) or await audited.observed(context, tx, values)
                await record(tx, context.store_id, audited.done(context, values, before, after, answer))
                return answer

            return await write(context.database, attempt)

        @wraps(change)
        async def resolve(self: None, info: Info, **values: Any) -> Any:  # noqa: ARG001 - strawberry's
            context = info.context
            try:
                return await run(context, values)
            except DomainError as error:
                refused = _located(error, errors_under)
            except DBAPIError as error:
                if not is_overflow(error):
                    raise
                refused = DomainError(TOO_LARGE)
            codes = bounded_codes(dict.fromkeys(fault.code.value for fault in refused.errors))
            await _refuse(context, audited.refused(context, values, codes))
            return payload(user_errors=user_errors(refused))

        info = context_.replace(name="info", annotation=Info)
        resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect.signature goes by
            parameters=[self_, info, *client_arguments], return_annotation=payload
        )
        metadata = asks(scope) if price is None else {**asks(scope), **priced(price)}
        return strawberry.mutation(resolve, description=description, metadata=metadata)

    return decorate


class _OwnEntry:
    """The entry of a mutation that opens its own transactions."""

    def __init__(self, context: Context, audited: Audited, values: Mapping[str, Any]) -> None:
        self._context = context
        self._audited = audited
        self._values = values
        self.recorded = False

    async def record(self, tx: Transaction, answer: Any) -> None:
        context = self._context
        after = self._audited.answered(self._values, answer)
        await record(tx, context.store_id, self._audited.done(context, self._values, None, after, answer))
        self.recorded = True


async def _refuse(context: Context, entry: AuditEntry) -> None:
    await context.services.audit.refuse(context.store_id, entry)


def _located(error: DomainError, errors_under: str | None) -> DomainError:
    if errors_under is None:
        return error
    return DomainErrors(fault if fault.field[:1] == ("id",) else fault.under(errors_under) for fault in error.errors)
