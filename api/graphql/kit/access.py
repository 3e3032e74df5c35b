"""Access: what a token may do."""

from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import forbidden
from domain.stores.model import TokenScope


def require_scope(info: Info, scope: TokenScope) -> Context:
    """Return the request's context. Raise FORBIDDEN when the token lacks the scope."""
    if not info.context.principal.may(scope):
        raise forbidden(scope.value)
    return info.context
