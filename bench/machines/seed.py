"""Many apps, APIs and grants at once, put into the tables as rows.

Making a million apps through the API would take an hour and show nothing new. Each app has a key and a secret
of its own, sealed as the control side seals it, so that the gateways have all to hold that they would have.
"""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

UNTIL_MS = 4_070_908_800_000
PART = 100_000


def next_revision(database):
    """Takes a revision, as every writer does."""
    return int(database.sql("UPDATE head SET revision = revision + 1 RETURNING revision"))


def app_id(number):
    return f"{number:032x}"


def apps(database, vault_key, count):
    """Apps in the place of an app that is there, each with a key and a secret."""
    seal, revision = AESGCM(vault_key), next_revision(database)
    columns = [name for name in database.sql(
        "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns "
        "WHERE table_name = 'apps'").split(",")]
    model = dict(zip(columns, database.sql("COPY (SELECT * FROM apps LIMIT 1) TO STDOUT").split("\t")))
    for start in range(0, count, PART):
        rows = []
        for number in range(start, min(count, start + PART)):
            app, nonce = app_id(number), os.urandom(12)
            secret = seal.encrypt(nonce, f"{number:032x}".encode(), f"apps/{app}/secret".encode())
            row = model | {"id": app, "name": f"seed-{number}", "name_lower": f"seed-{number}",
                           "app_key": f"K{number:031x}", "secret": f"\\\\x01{nonce.hex()}{secret.hex()}",
                           "revision": str(revision)}
            rows.append("\t".join(row[column] for column in columns))
        database.copy("apps", "\n".join(rows) + "\n")


def grants(database, api, count, app_count):
    """Grants of seeded apps, each with as many copies of an API as are needed."""
    revision, apis = next_revision(database), -(-count // app_count)
    copies = "md5('seed-' || n)"
    columns = database.sql(
        "SELECT string_agg(CASE column_name WHEN 'id' THEN '{id}' WHEN 'path' THEN '{path}' WHEN 'shape' THEN '{path}' "
        "WHEN 'name' THEN '{path}' WHEN 'name_lower' THEN '{path}' WHEN 'revision' THEN '{rev}' ELSE 'a.' || column_name END, "
        "', ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'apis'")
    columns = columns.format(id=copies, path="'/seed/' || n", rev=revision)
    database.sql(f"INSERT INTO apis SELECT {columns} FROM apis a, generate_series(1, {apis}) n WHERE a.id = '{api}'")
    database.sql(f"INSERT INTO publications (api, instance, status, published_at, revision) SELECT {copies}, 'gate-1', "
                 f"'published', 1, {revision} FROM generate_series(1, {apis}) n")
    who = database.sql("SELECT created_by FROM apis LIMIT 1")
    database.sql(
        "INSERT INTO standings (api, instance, app, since, until, granted_by, revision) "
        f"SELECT md5('seed-' || (g / {app_count} + 1)), 'gate-1', lpad(to_hex(g % {app_count}), 32, '0'), 1, {UNTIL_MS}, "
        f"'{who}', {revision} FROM generate_series(0, {count - 1}) g")
