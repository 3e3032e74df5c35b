"""The GraphQL server: HTTP, server-sent events and WebSockets for any schema."""
