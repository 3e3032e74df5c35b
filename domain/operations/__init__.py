"""Operations: work in the background that a client can watch."""
