"""Error shapes of the API: the user errors of mutations, and GraphQL errors with codes."""

import strawberry
import structlog
from graphql import GraphQLError

from api import request_id
from api.database_errors import RETRY_AFTER_SECONDS, log_unavailable
from api.graphql.kit.enums import expose
from domain.kit.db.faults import is_denied, is_overflow
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, Path

BAD_REQUEST = "BAD_REQUEST"
BAD_USER_INPUT = "BAD_USER_INPUT"
FORBIDDEN = "FORBIDDEN"
INTERNAL = "INTERNAL"
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
RATE_LIMITED = "RATE_LIMITED"
UNAUTHENTICATED = "UNAUTHENTICATED"
UNAVAILABLE = "UNAVAILABLE"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

TOO_LARGE = "A sum of these amounts is larger than can be stored"
_SEARCH_LENGTH = 200

log = structlog.get_logger(__name__)

UserErrorCode = expose(
    ErrorCode,
    {
        ErrorCode.INVALID: "A value is missing, malformed or out of range.",
        ErrorCode.TAKEN: "The name or key is in use.",
        ErrorCode.INVALID_STATE: "The object's state does not allow it (a running campaign, an expired list).",
        ErrorCode.IN_USE: "Something refers to the object, such as the filter of another segment.",
        ErrorCode.LIMIT_EXCEEDED: (
            "A store's limit is reached (members of a static segment, property conditions, ...)."
        ),
        ErrorCode.EXPIRED: "The list is older than its validity of 180 days.",
        ErrorCode.ALREADY_REFRESHED_TODAY: "The segment was already refreshed, or created, today.",
        ErrorCode.FIRST_LIST: "The first list of a segment is never deleted alone.",
        ErrorCode.NO_RECIPIENTS: "No recipient is left after consent, addresses and exclusions.",
        ErrorCode.CHANNEL_UNAVAILABLE: "The channel is unknown, not installed, or not configured.",
        ErrorCode.IDEMPOTENCY_CONFLICT: "The same idempotency key came with another input.",
    },
    name="UserErrorCode",
)


@strawberry.type(description="An error of the caller's input. Nothing was changed when there is one.")
class UserError:
    field: list[str] | None = strawberry.field(
        description='The path into the input, such as ["input", "include", "all", "0", "attribute", "values"].'
    )
    message: str
    code: ErrorCode


def user_errors(error: DomainError) -> list[UserError]:
    """Return the user errors of a mutation that a rule refused."""
    faults = error.errors
    return [UserError(field=_steps(f.field) or None, message=f.message, code=f.code) for f in faults]


def refusal(message: str, code: str, **extensions: object) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, **extensions})


def bad_input(message: str, *field: str | int) -> GraphQLError:
    """Return the error of a query's argument; `field` is the path to it."""
    return refusal(message, BAD_USER_INPUT, **({"field": _steps(field)} if field else {}))


def searched(text: str | None, name: str = "search") -> str | None:
    """Return the text to search for. Raise BAD_USER_INPUT when it is too long."""
    if text is not None and len(text) > _SEARCH_LENGTH:
        raise bad_input(f"`{name}` has {len(text):,} characters: {_SEARCH_LENGTH} at most", name)
    return text


def forbidden(scope: str, type_name: str | None = None, field_name: str | None = None) -> GraphQLError:
    """Return the error of a token without the scope, which the field of the type asks for."""
    message = f'The token lacks the scope "{scope}"'
    if type_name is None:
        return refusal(message, FORBIDDEN, scope=scope)
    return refusal(f"{message}, which {type_name}.{field_name} asks for", FORBIDDEN, scope=scope, type=type_name)


def unauthenticated() -> GraphQLError:
    return refusal("Send a valid token: Authorization: Bearer TOKEN", UNAUTHENTICATED)


def rate_limited(message: str, retry_after: int) -> GraphQLError:
    return refusal(message, RATE_LIMITED, retryAfter=retry_after)


def unavailable(message: str) -> GraphQLError:
    return refusal(message, UNAVAILABLE, retryAfter=RETRY_AFTER_SECONDS)


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """Return the error, with this code unless it has one."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def presentable(error: GraphQLError) -> GraphQLError:
    """Return the error as the caller may see it: a bug is logged here, once, and shown without its text."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error
    if isinstance(cause, DomainErrors):
        faults = [{"message": f.message, "code": f.code, "field": _steps(f.field)} for f in cause.errors]
        return _at(error, refusal(cause.message, BAD_USER_INPUT, field=faults[0]["field"], faults=faults))
    if isinstance(cause, DomainError):
        return _at(error, refusal(cause.message, cause.code, field=_steps(cause.field)))
    if is_overflow(cause):
        return _at(error, refusal(TOO_LARGE, BAD_USER_INPUT))
    message = log_unavailable(cause, path=error.path)
    if message is not None:
        return _at(error, unavailable(message))
    name = "database_permission_denied" if is_denied(cause) else "graphql.resolver_failed"
    log.error(name, path=error.path, exc_info=cause)
    return _at(error, refusal("Internal error", INTERNAL, requestId=request_id.current()))


def is_passing(error: GraphQLError) -> bool:
    """Return whether the caller may be answered after a retry."""
    return (error.extensions or {}).get("code") == UNAVAILABLE


def _at(location: GraphQLError, error: GraphQLError) -> GraphQLError:
    return GraphQLError(error.message, nodes=location.nodes, path=location.path, extensions=error.extensions)


def _steps(path: Path) -> list[str]:
    return [str(step) for step in path]
