"""An address that leads to one server after the other, as the floating address of a database does."""

import multiprocessing
import selectors
import socket

from processes import free_port


def forward(port, target, moved):
    """Passes bytes both ways. When the target moves, all connections to the old one end."""
    poll, listener, pairs = selectors.DefaultSelector(), socket.create_server(("127.0.0.1", port)), {}
    poll.register(listener, selectors.EVENT_READ)
    poll.register(moved.fileno(), selectors.EVENT_READ)

    def close(one):
        other = pairs.pop(one, None)
        pairs.pop(other, None)
        for each in filter(None, (one, other)):
            poll.unregister(each)
            each.close()

    def accept():
        caller, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", target), 1)
        except OSError:
            return caller.close()
        for one, other in ((caller, server), (server, caller)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(5)
            pairs[one] = other
            poll.register(one, selectors.EVENT_READ)

    while True:
        for key, _ in poll.select():
            if key.fileobj is listener:
                accept()
            elif key.fileobj == moved.fileno():
                target = moved.recv()
                for one in list(pairs):
                    close(one) if one in pairs else None
            elif key.fileobj in pairs:
                try:
                    piece = key.fileobj.recv(65536)
                    pairs[key.fileobj].sendall(piece) if piece else close(key.fileobj)
                except OSError:
                    close(key.fileobj)


class Address:
    def __init__(self, target):
        self.port = free_port()
        here, self.moves = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=forward, args=(self.port, target, here), daemon=True)
        self.process.start()

    def move_to(self, target):
        self.moves.send(target)

    def stop(self):
        self.process.terminate()
        self.process.join()
