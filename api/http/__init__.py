"""HTTP routes beside GraphQL, and the middleware around all of them."""
