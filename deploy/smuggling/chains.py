"""The chains of servers, each with the real programs."""

from __future__ import annotations

from pathlib import Path

from process import Process, free_ports

NGINX = """
events {{ worker_connections 2048; }}
error_log stderr error;
http {{
    access_log off;
    {folders}
    keepalive_timeout 5s;
    client_max_body_size 16m;
    upstream next {{ server 127.0.0.1:{to}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://next;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_next_upstream off;
            proxy_read_timeout 5s;
        }}
    }}
}}
"""

HAPROXY = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
    timeout http-request 5s
    retries 0
    option http-keep-alive
    http-reuse always
frontend in
    bind 127.0.0.1:{port}
    default_backend next
backend next
    server next 127.0.0.1:{to}
"""


def nginx(folder: Path, to: int) -> tuple[Process, int]:
    """Starts nginx in front of a port."""
    (port,) = free_ports(1)
    own = folder / f"nginx-{port}"
    own.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {own}/{kind};\n" for kind in kinds)
    config = own / "nginx.conf"
    config.write_text(NGINX.format(folders=folders, port=port, to=to), encoding="utf-8")
    alone = f"daemon off; master_process off; pid {own}/nginx.pid;"
    command = ["nginx", "-p", own, "-e", "stderr", "-c", config, "-g", alone]
    return Process(f"nginx-{port}", command, folder, [port]), port


def haproxy(folder: Path, to: int) -> tuple[Process, int]:
    """Starts HAProxy in front of a port."""
    (port,) = free_ports(1)
    config = folder / f"haproxy-{port}.cfg"
    config.write_text(HAPROXY.format(port=port, to=to), encoding="utf-8")
    return Process(f"haproxy-{port}", ["haproxy", "-db", "-f", config], folder, [port]), port
