"""Runs a command beside a server of its own: `on_stage.py COMMAND [ARGUMENT...]`.

The server is `tidegate dev` on an empty folder and the world of `support/world.py`, and behind it is
the echo backend. The command finds all of it as JSON in the variable `TIDEGATE_STAGE`. For clients in
other languages, so that they need no more of their own than the SDK.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from support.echo import Echo
from support.server import Server
from support.world import HOME, RESIDENTS, SECOND_INSTANCE, SHARED_INSTANCE, WORKSPACE


def stage(server: Server, echo: Echo) -> dict:
    """What a client has to know."""
    return {
        "control": server.control,
        "gateway": server.gateway,
        "backend": echo.address,
        "project": {"id": HOME.id, "name": HOME.name},
        "domain": {"id": HOME.domain_id, "name": HOME.domain_name},
        "workspace": WORKSPACE,
        "instance": HOME.instance,
        "second_instance": SECOND_INSTANCE,
        "shared_instance": SHARED_INSTANCE,
        "people": {
            name: {"access_key": person.access_key, "secret_key": person.secret_key}
            for name, person in RESIDENTS.items()
        },
    }


def main(command: list[str]) -> int:
    """Starts, runs, stops; the exit status is the command's, if all went well on this side."""
    echo = Echo()
    with tempfile.TemporaryDirectory(prefix="stage-") as folder:
        server = Server(Path(folder))
        try:
            server.start()
            server.clock.begin_quarter_past()
            told = json.dumps(stage(server, echo))
            status = subprocess.run(command, env={**os.environ, "TIDEGATE_STAGE": told}).returncode
            if status or not server.is_running:
                print(server.log_tail(), file=sys.stderr)
                return status or 1
            return server.stop()
        finally:
            server.kill()
            echo.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
