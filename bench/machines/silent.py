"""Peers that take a connection and give nothing for it, as many as a port lets in, for as long as it takes."""

import select
import socket
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
BODY_TO_COME = b"POST /v3/auth/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
CALL_TO_COME = b"POST /v1/items HTTP/1.1\r\nHost: api.one.example\r\nContent-Length: 2097152\r\n\r\n"
# What they say before they fall silent.
STARTS = [b"", b"GET / HT", BODY_TO_COME, CALL_TO_COME, PREFACE]
# How many connect in a tenth of a second: fast enough to stay ahead, slow enough to leave the machine to others.
BURST = 25


def answer_pings(peer, data):
    """Says what an HTTP/2 peer must say, and no more."""
    at = 0
    while len(data) - at >= 9:
        length, kind, flags = int.from_bytes(data[at:at + 3], "big"), data[at + 3], data[at + 4]
        if kind == 6 and not flags & 1:
            peer.send(b"\0\0\x08\6\1\0\0\0\0" + data[at + 9:at + 17])
        elif kind == 4 and not flags & 1:
            peer.send(b"\0\0\0\4\1\0\0\0\0")
        at += 9 + length


def hold(address, count, until):
    """Holds connections until then; tells how many were made, the most that were open, and those that were closed."""
    host, port = address.split(":")
    poll, peers, made, closed, most = select.epoll(), {}, 0, 0, 0
    while time.monotonic() < until:
        for _ in range(min(BURST, count - len(peers))):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex((host, int(port)))
            # It speaks once it is connected.
            peers[peer.fileno()] = (peer, STARTS[made % len(STARTS)])
            poll.register(peer, select.EPOLLOUT)
            made += 1
        most = max(most, len(peers))
        began = time.monotonic()
        while (left := 0.1 - (time.monotonic() - began)) > 0:
            for number, event in poll.poll(left, 1024):
                peer, start = peers[number]
                try:
                    if event & select.EPOLLOUT and start is not None:
                        if start:
                            peer.send(start)
                        peers[number] = (peer, None)
                        poll.modify(peer, select.EPOLLIN)
                        continue
                    data = peer.recv(65536)
                    if data[:4] != b"HTTP":
                        answer_pings(peer, data)
                except OSError:
                    data = b""
                if not data:
                    poll.unregister(peer)
                    peer.close()
                    del peers[number]
                    closed += 1
    for peer, _ in peers.values():
        peer.close()
    return {"address": address, "made": made, "most": most, "closed": closed}
