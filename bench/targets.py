"""The gateways that are measured beside each other. Each has one worker, its access log off, and the same
backend behind it."""

import base64
import os
import subprocess
import time
from pathlib import Path
from string import Template

from processes import Server, free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BINARY = Path(os.environ.get("TIDEGATE_BIN", ROOT / "target/dist/tidegate"))
AUTHORIZER = Path(os.environ.get("AUTHORIZER_BIN", ROOT / "target/dist/tidegate-bench-authorizer"))
ENVOY = os.environ.get("ENVOY_BIN", "")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
LUA_MODULES = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
pcre_jit on;
"""
PROXY = 'proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";'


class Target:
    """A gateway, with the processes that help it."""

    def __init__(self, name, port, gateway, helpers=(), checks=True, owned=()):
        self.name, self.port, self.checks = name, port, checks
        self.gateway, self.helpers = gateway, list(helpers)
        self.owned = [gateway, *owned]

    def cpu(self):
        """Seconds on a CPU: the gateway's, and its helpers'."""
        return self.gateway.cpu_seconds(), sum(helper.cpu_seconds() for helper in self.helpers)

    def memory(self):
        return sum(server.memory_mib() for server in [self.gateway, *self.helpers])

    def stop(self):
        for server in self.owned:
            server.stop()


def certificate(folder):
    """A certificate and its key, for all targets."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=gateway.bench", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    (folder / "both.pem").write_text(cert.read_text() + key.read_text())


class Place:
    """What all targets share: a folder, a backend, the apps, and a certificate if there is TLS."""

    def __init__(self, folder, backend, apps, tidegate, tls):
        self.folder, self.backend, self.apps, self.tidegate, self.tls = folder, backend, apps, tidegate, tls
        rows = [(app["app_key"], app["app_secret"]) for app in apps]
        ends = int(time.time()) + 365 * 86400
        write = lambda name, lines: (folder / name).write_text("".join(line + "\n" for line in lines))
        write("keys.txt", (f"{key} {secret} {ends}" for key, secret in rows))
        write("secrets.map", (f"{key} {base64.b64encode(s.encode()).decode()}" for key, s in rows))
        write("ends.map", (f"{key} {ends}" for key, _ in rows))

    def fill(self, template, into, **values):
        """A configuration file made of a template."""
        file = self.folder / into
        text = Template((HERE / "peers" / template).read_text()).substitute(dir=self.folder, **values)
        file.write_text(text)
        return file


def nginx(place, name, http, server, modules="", tls=False, port=None):
    port = port or free_port()
    if tls:
        server = f"ssl_certificate {place.folder}/cert.pem; ssl_certificate_key {place.folder}/key.pem; {server}"
    file = place.fill("nginx.conf", f"{name}.conf", name=name, port=port, modules=modules, http=http, server=server,
                      tls=" ssl" if tls else "")
    return port, Server(["nginx", "-c", file, "-p", place.folder], stderr=subprocess.DEVNULL)


def backend(place, port):
    """Answers every request with one of the files that are there."""
    places = "location / { root %s; error_page 405 =200 $uri; }" % place.folder
    choose = "location /v1/items { root %s; rewrite ^ /answer break; error_page 405 =200 /answer; }" % place.folder
    return nginx(place, "backend", "", f"default_type text/plain; {choose} {places}", port=port)[1]


def upstream(place):
    return f"upstream backend {{ server 127.0.0.1:{place.backend}; keepalive 64; }}"


def nginx_plain(place):
    port, server = nginx(place, "nginx", upstream(place), f"location / {{ {PROXY} }}", tls=place.tls)
    return Target("nginx proxy_pass, no check", port, server, checks=False)


def nginx_lua(place):
    path = f"{HERE}/peers/?.lua;/usr/share/lua/5.1/?.lua;;"
    load = f"check = require 'check'; check.load('{place.folder}/keys.txt')"
    http = f'lua_package_path "{path}"; init_by_lua_block {{ {load} }} {upstream(place)}'
    check = f"location / {{ access_by_lua_block {{ check.check() }} {PROXY} }}"
    port, server = nginx(place, "lua", http, check, LUA_MODULES, tls=place.tls)
    return Target("nginx + Lua, signature and grant", port, server)


def haproxy(place, name, check):
    port = free_port()
    tls = f" ssl crt {place.folder}/both.pem" if place.tls else ""
    if check:
        place.fill("haproxy-check.cfg", "haproxy-check.part")
        check = (place.folder / "haproxy-check.part").read_text()
    file = place.fill("haproxy.cfg", f"{name}.cfg", port=port, backend=place.backend, check=check, tls=tls)
    return port, Server(["haproxy", "-db", "-f", file], **QUIET)


def haproxy_plain(place):
    return Target("HAProxy, no check", *haproxy(place, "haproxy", ""), checks=False)


def haproxy_signed(place):
    return Target("HAProxy, signature and grant", *haproxy(place, "haproxy-signed", True))


ENVOY_TLS = """
          transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                tls_certificates: [{ certificate_chain: { filename: %s/cert.pem }, private_key: { filename: %s/key.pem } }]
"""


def envoy(place, name, filter_text, helper=1):
    port = free_port()
    tls = ENVOY_TLS % (place.folder, place.folder) if place.tls else ""
    file = place.fill("envoy.yaml", f"{name}.yaml", port=port, backend=place.backend, helper=helper,
                      filter=filter_text, tls=tls)
    command = [ENVOY, "-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "off"]
    return port, Server(command, **QUIET)


def envoy_plain(place):
    return Target("Envoy, no check", *envoy(place, "envoy", ""), checks=False)


def envoy_keys(place):
    rows = "".join(
        f'                        - {{ client: "{i}", key: "{app["app_key"]}" }}\n' for i, app in enumerate(place.apps))
    text = (
        "                  - name: envoy.filters.http.api_key_auth\n"
        "                    typed_config:\n"
        '                      "@type": type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth\n'
        f"                      credentials:\n{rows}"
        "                      key_sources: [{ header: x-api-key }]\n")
    return Target("Envoy api_key_auth, a key and no signature", *envoy(place, "envoy-keys", text))


def ext_authz():
    return (HERE / "peers/envoy-ext-authz.yaml").read_text()


def envoy_nobody(place, name="Envoy + gRPC authorizer that lets all in", more=()):
    port = free_port()
    helper = Server([AUTHORIZER, *more, f"127.0.0.1:{port}"], **QUIET)
    at, gateway = envoy(place, f"envoy-nobody{len(more)}", ext_authz(), port)
    return Target(name, at, gateway, [helper], checks=False, owned=[helper])


def envoy_opaque(place):
    return envoy_nobody(place, "Envoy + gRPC authorizer that lets all in, unread", ["--opaque"])


def envoy_tidegate(place):
    at, gateway = envoy(place, "envoy-tidegate", ext_authz(), place.tidegate.ext_authz)
    return Target("Envoy + tidegate over gRPC", at, gateway, [place.tidegate.server])


def tidegate(place):
    target = Target("tidegate, signature and grant", place.tidegate.gateway, place.tidegate.server)
    target.owned = []
    return target


#: The first one is the anchor: all others are told as ratios to it.
ALL = {
    "nginx": nginx_plain, "nginx-lua": nginx_lua, "haproxy": haproxy_plain, "haproxy-signed": haproxy_signed,
    "envoy": envoy_plain, "envoy-keys": envoy_keys, "envoy-nobody": envoy_nobody, "envoy-opaque": envoy_opaque,
    "envoy-tidegate": envoy_tidegate, "tidegate": tidegate,
}
