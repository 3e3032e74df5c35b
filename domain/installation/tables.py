"""The one row of what belongs to the installation rather than to a store."""

from sqlalchemy import BigInteger, Column, LargeBinary, SmallInteger, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    # The lasting keys, sealed with a secret key. It begins with the name of that one, which seals all else too.
    Column("sealed_keys", LargeBinary, nullable=False),
    # Which life of the database this is: a backup that is restored begins another.
    Column("epoch", Id, nullable=False),
    # The one before, of which an operator has said that this one follows it.
    Column("replaced_epoch", Id),
    # Grows as long as somebody works; the files directory knows the newest one too, which a backup does not have.
    Column("beat", BigInteger, nullable=False),
    Column("beat_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
)
