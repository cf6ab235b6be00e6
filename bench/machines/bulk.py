"""How fast many grants are made, beside the same rows put into the same tables by PostgreSQL's own tools.

One call of a reviewer grants an API to 1,000 apps, all or nothing; each is a row of `standings`, a line of the
`journal` and a message of the `outbox`. Then these very rows are dumped and put, 1,000 a statement and a
transaction, into empty tables of the same columns and indices, once as `INSERT` and once as `COPY`.
"""

import re
import time

from .actions import FIRST_END, Actor

TABLES = ("standings", "journal", "outbox")
APPS_A_CALL = 1000


def apis(control, backend_port, count, progress):
    """Published APIs."""
    made = []
    for number in range(count):
        api = control.call("POST", "/apis", {
            "name": f"bulk_{number}", "api_type": "API_SPECIFIC_TYPE_REGISTER", "auth_type": "APP",
            "manager": "rita", "path": f"/bulk/{number}", "protocol": "PROTOCOL_TYPE_HTTP",
            "request_type": "REQUEST_TYPE_GET", "visibility": "WORKSPACE",
            "backend_config": {"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
                               "host": f"127.0.0.1:{backend_port}", "path": "/v1/items", "timeout": 5000},
        })["id"]
        control.call("POST", f"/apis/{api}/instances/gate-1/publish", {})
        made.append(api)
        progress(number + 1, count)
    return made


def granted(node, api_ids, apps, progress):
    """Grants each API to all apps, 1,000 a call; seconds per call."""
    actor, ids = Actor(node.address, None), [app["id"] for app in apps[:APPS_A_CALL]]
    took = []
    for number, api in enumerate(api_ids):
        body = {"app_ids": ids, "time": FIRST_END.strftime("%Y-%m-%dT%H:%M:%SZ")}
        line = actor.post(f"/apis/{api}/instances/gate-1/authorize", body)
        line.wait()
        if line.status() // 100 != 2:
            raise RuntimeError(line.answer.decode())
        took.append((line.came - line.sent) / 1e9)
        progress(number + 1, len(api_ids))
    return took


def plain(database, limit):
    """Rows a second, as INSERT and as COPY, of at most `limit` grants' rows."""
    database.sql("DROP SCHEMA IF EXISTS plain CASCADE; CREATE SCHEMA plain")
    for table in TABLES:
        database.sql(f"CREATE TABLE plain.{table} (LIKE public.{table} INCLUDING ALL)")
    rows = {}
    for table in TABLES:
        order = "revision" if table == "standings" else "revision, ordinal"
        copied = database.run("psql", *database.to("tidegate"), "-qAtX", "-c",
                              f"COPY (SELECT * FROM {table} ORDER BY {order} DESC LIMIT {limit}) TO STDOUT", quiet=False).stdout
        rows[table] = copied.splitlines()
    figures = {}
    for how, statement in (("INSERT", inserts), ("COPY", copies)):
        database.sql(f"TRUNCATE {', '.join(f'plain.{table}' for table in TABLES)}")
        script = database.home / f"{how}.sql"
        script.write_text("".join(transactions(rows, statement)))
        began = time.monotonic()
        database.run("psql", *database.to("tidegate"), "-qX", "-v", "ON_ERROR_STOP=1", "-f", script)
        figures[how] = len(rows["standings"]) / (time.monotonic() - began)
    database.sql("DROP SCHEMA plain CASCADE")
    return figures


def transactions(rows, statement):
    for start in range(0, len(rows["standings"]), APPS_A_CALL):
        yield "BEGIN;\n"
        for table in TABLES:
            yield statement(table, rows[table][start:start + APPS_A_CALL])
        yield "COMMIT;\n"


def inserts(table, rows):
    values = ",\n".join(f"({', '.join(map(literal, row.split(chr(9))))})" for row in rows)
    return f"INSERT INTO plain.{table} VALUES {values};\n" if rows else ""


def copies(table, rows):
    return f"COPY plain.{table} FROM STDIN;\n" + "".join(row + "\n" for row in rows) + "\\.\n"


def literal(cell):
    """A cell of COPY's text form as a literal. What is kept here needs no other escapes."""
    if cell == r"\N":
        return "NULL"
    text = cell.replace(r"\\", "\\")
    return text if re.fullmatch(r"-?\d+", text) else "'" + text.replace("'", "''") + "'"
