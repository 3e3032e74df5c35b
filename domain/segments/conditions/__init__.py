"""How one condition becomes SQL: a predicate on the customer's own rows, or a set of customer ids."""
