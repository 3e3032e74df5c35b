"""The GraphQL API: a server, a kit, and a package for each topic."""
