"""Without await: a script that imports lines into a queue, and a worker whose handler may block.

The classes of `queen.sync` are those of the async client, without `await`. The handler runs in the thread that called
`consume`, so it may use a connection of sqlite3 that was opened there.
"""

from __future__ import annotations

import argparse
import sqlite3
import threading
import uuid

from queen.sync import Message, Queen

LINES = ["teapot,24.50", "cup,6.00", "kettle,39.90"]


def main(url: str) -> None:
    products = f"products-{uuid.uuid4().hex[:6]}"
    with Queen(url) as queen, sqlite3.connect(":memory:") as database:
        queen.queue(products).create()
        results = queen.queue(products).push([{"data": line, "transactionId": line} for line in LINES])
        print("pushed:", len(results))

        database.execute("CREATE TABLE products (name TEXT, price REAL)")
        stop = threading.Event()

        def store(message: Message) -> None:
            name, price = message.data.split(",")
            database.execute("INSERT INTO products VALUES (?, ?)", (name, float(price)))
            if name == "kettle":
                stop.set()

        queen.queue(products).group("importer").batch(10).each().consume(store, signal=stop)
        print("stored:", database.execute("SELECT name, price FROM products ORDER BY price").fetchall())
        queen.queue(products).delete()
    database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://sync-script", help="a Queen server; the embedded broker by default")
    main(parser.parse_args().url)
