"""A producer with a database: the order and its job are committed together, and a relay queues the job.

python docs/examples/outbox.py shop.db redis://localhost:6379/0     places an order and relays once
"""

import asyncio
import json
import sqlite3
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from qconsole.runtime.client import Client

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    job_type TEXT NOT NULL,
    queue TEXT NOT NULL,
    payload TEXT NOT NULL
);
"""
BATCH = 100


def open_database(path: str) -> sqlite3.Connection:
    """Return the shop's database with its tables."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(SCHEMA)
    return database


def place_order(database: sqlite3.Connection, customer: str) -> int:
    """Store an order and the job that follows from it: both or neither."""
    with database:  # one transaction
        insert = "INSERT INTO orders (customer) VALUES (?) RETURNING id"
        order_id: int = database.execute(insert, (customer,)).fetchone()[0]
        add_job(database, "send_confirmation", queue="email", payload={"order_id": order_id})
    return order_id


def add_job(database: sqlite3.Connection, job_type: str, *, queue: str, payload: Mapping[str, Any]) -> str:
    """Note a job in the caller's transaction. Its id is chosen here, once, and never again."""
    job_id = uuid.uuid4().hex
    database.execute(
        "INSERT INTO outbox (job_id, job_type, queue, payload) VALUES (?, ?, ?, ?)",
        (job_id, job_type, queue, json.dumps(payload)),
    )
    return job_id


async def relay(database: sqlite3.Connection, client: Client) -> int:
    """Queue what the outbox holds, oldest first, and return how many that were.

    A crash between queueing a job and deleting its row queues it again under the same id, which changes nothing.
    """
    rows = database.execute(
        "SELECT id, job_id, job_type, queue, payload FROM outbox ORDER BY id LIMIT ?", (BATCH,)
    ).fetchall()
    for row_id, job_id, job_type, queue, payload in rows:
        await client.enqueue(job_type, json.loads(payload), queue=queue, job_id=job_id)
        with database:
            database.execute("DELETE FROM outbox WHERE id = ?", (row_id,))
    return len(rows)


async def main(path: str, url: str) -> None:
    """Place one order and relay it. A service runs `relay` in a loop, with a pause when it returns 0."""
    database = open_database(path)
    order_id = place_order(database, "Ada")
    client = await Client.connect(url)
    try:
        relayed = await relay(database, client)
    finally:
        await client.aclose()
        database.close()
    print(f"order {order_id}, {relayed} job queued")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
