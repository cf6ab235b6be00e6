"""The proxies, started with the configurations of this folder. Only addresses are changed in them."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from process import Process, free_ports

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Proxy:
    """What a proxy is able to do."""

    name: str
    config: str
    # Does it send bodies to be checked?
    sends_bodies: bool
    # Does it tell a POST without a body from one whose body was not sent?
    tells_empty: bool
    # Does a caller read the text of a denial?
    passes_text: bool
    # Does it resolve dots and slashes in a path before it asks?
    cleans_paths: bool = False

    def start(self, folder: Path, check: int, ext_authz: int, backend: int) -> tuple[Process, int]:
        """Starts it, and tells its port."""
        (port,) = free_ports(1)
        text = (HERE / self.config).read_text(encoding="utf-8")
        for default, chosen in ((8080, port), (8789, check), (8790, ext_authz), (9000, backend)):
            text = re.sub(rf"\b{default}\b", str(chosen), text)
        config = folder / Path(self.config).name
        if self.name == "traefik":
            static = (HERE / "traefik/static.yaml").read_text(encoding="utf-8")
            static = static.replace("8080", str(port)).replace("dynamic.yaml", str(config))
            (folder / "static.yaml").write_text(static, encoding="utf-8")
        if self.name == "nginx":
            text = text.replace("\nhttp {\n", f"\nhttp {{\n{_nginx_folders(folder)}", 1)
        config.write_text(text, encoding="utf-8")
        return Process(self.name, self._command(config, folder), folder, [port]), port

    def _command(self, config: Path, folder: Path) -> list:
        if self.name == "nginx":
            alone = f"daemon off; master_process off; pid {folder}/nginx.pid;"
            return ["nginx", "-p", folder, "-e", "stderr", "-c", config, "-g", alone]
        if self.name == "caddy":
            return ["caddy", "run", "--adapter", "caddyfile", "--config", config]
        if self.name == "traefik":
            return [os.environ["TRAEFIK_BIN"], f"--configFile={folder}/static.yaml"]
        return [_envoy(), "-c", config, "--use-dynamic-base-id", "--concurrency", 1, "-l", "warn"]


PROXIES = [
    Proxy("nginx", "nginx/nginx.conf", False, True, False),
    Proxy("caddy", "caddy/Caddyfile", False, True, True),
    Proxy("envoy-grpc", "envoy/grpc.yaml", True, True, True),
    Proxy("envoy-http", "envoy/http.yaml", True, False, True),
    Proxy("traefik", "traefik/dynamic.yaml", True, False, True, cleans_paths=True),
]


def _nginx_folders(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds) + "access_log off;\n"


def _envoy() -> Path:
    (binary,) = Path(sys.prefix).glob("lib/python3*/site-packages/envoy/_bin/envoy")
    return binary
