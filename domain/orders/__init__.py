"""Orders and their items, the changes to them, and the facts and favourites that are counted from them."""
