"""Every way in: GraphQL, HTTP, workers and the command line."""
