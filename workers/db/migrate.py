"""Brings a database to the newest version: `python -m workers.db.migrate [URL]`, or `await upgrade(database)`.

Works from an installed package; needs no alembic.ini.
"""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from workers.db.database import Database

_SCRIPTS = Path(__file__).with_name("migrations")


def alembic_config(connection: Connection | None = None) -> Config:
    """Returns alembic's configuration for the packaged migrations, bound to a connection when one is given."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def upgrade(database: Database, revision: str = "head") -> None:
    """Brings the database to the revision; does nothing when it is there already."""
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), revision))


async def downgrade(database: Database, revision: str) -> None:
    """Takes the database back to the revision; what the newer ones added is lost."""
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), revision))


async def _main(url: str) -> None:
    database = Database(url)
    try:
        await upgrade(database)
    finally:
        await database.close()


if __name__ == "__main__":
    from workers.config import PlatformSettings

    asyncio.run(_main(sys.argv[1] if len(sys.argv) > 1 else PlatformSettings().database_url))
