"""The platform's database: models, migrations and repositories, on SQLite by default and PostgreSQL by URL."""

from workers.db.database import Database
from workers.db.migrate import upgrade

__all__ = ["Database", "upgrade"]
