"""Values as people and their programs write them: each function returns what a text says, or raises DomainError."""
