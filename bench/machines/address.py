"""An address that leads to one server after the other, as the floating address of a database does. What is on the way
can be made to fall silent: bytes are taken and never passed on, and no connection is closed."""

import multiprocessing
import selectors
import socket
import time

from processes import free_port

# A server notices by its keep-alive that a peer has vanished; so long after it fell silent.
NOTICED_S = 12


class Forwarder:
    """Passes bytes both ways. When the target moves, all connections to the old one end."""

    def __init__(self, port, target, orders):
        self.target, self.orders = target, orders
        self.poll, self.listener = selectors.DefaultSelector(), socket.create_server(("127.0.0.1", port))
        self.pairs, self.silent = {}, {}
        # Orders: connect nothing, wait before each piece, fall silent at the next piece that holds these bytes.
        self.is_closed, self.delay, self.mark = False, 0, None

    def close(self, one):
        other = self.pairs.pop(one, None)
        self.pairs.pop(other, None)
        for each in filter(None, (one, other)):
            if each not in self.silent:
                self.poll.unregister(each)
            self.silent.pop(each, None)
            each.close()

    def accept(self):
        caller, _ = self.listener.accept()
        if self.is_closed:
            # Taken, and never answered.
            self.pairs[caller] = None
            return self.silent.update({caller: time.monotonic()})
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 1)
        except OSError:
            return caller.close()
        for one, other in ((caller, server), (server, caller)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(5)
            self.pairs[one] = other
            self.poll.register(one, selectors.EVENT_READ)

    def silence(self, one):
        for each in filter(None, (one, self.pairs.get(one))):
            if each not in self.silent:
                self.poll.unregister(each)
                self.silent[each] = time.monotonic()

    def obey(self, order):
        match order:
            case ("move", target):
                self.target = target
                for one in list(self.pairs):
                    self.close(one) if one in self.pairs else None
            case ("silence",):
                for one in list(self.pairs):
                    self.silence(one)
            case ("silence at", mark):
                self.mark = mark
            case ("close",):
                self.is_closed = True
                for one in list(self.pairs):
                    self.silence(one)
            case ("delay", seconds):
                self.delay = seconds
            case ("heal",):
                self.is_closed, self.delay, self.mark = False, 0, None

    def pass_on(self, one):
        try:
            piece = one.recv(65536)
            if not piece:
                return self.close(one)
            if self.mark and self.mark in piece:
                self.mark = None
                return self.silence(one)
            time.sleep(self.delay)
            self.pairs[one].sendall(piece)
        except OSError:
            self.close(one)

    def run(self):
        self.poll.register(self.listener, selectors.EVENT_READ)
        self.poll.register(self.orders.fileno(), selectors.EVENT_READ)
        while True:
            for one, since in list(self.silent.items()):
                if one in self.silent and time.monotonic() - since > NOTICED_S:
                    self.close(one)
            for key, _ in self.poll.select(1):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj == self.orders.fileno():
                    self.obey(self.orders.recv())
                elif key.fileobj in self.pairs and key.fileobj not in self.silent:
                    self.pass_on(key.fileobj)


def forward(port, target, orders):
    Forwarder(port, target, orders).run()


class Address:
    def __init__(self, target):
        self.port = free_port()
        here, self.orders = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=forward, args=(self.port, target, here), daemon=True)
        self.process.start()

    def move_to(self, target):
        self.orders.send(("move", target))

    def silence(self):
        """All connections there are fall silent; new ones work."""
        self.orders.send(("silence",))

    def silence_at(self, mark):
        """The connection falls silent on which a client sends this next; what it sends is not passed on."""
        self.orders.send(("silence at", mark))

    def close(self):
        """Nothing passes, and no connection is refused, until it heals."""
        self.orders.send(("close",))

    def delay(self, seconds):
        """Each piece takes so long, all in a row, until it heals."""
        self.orders.send(("delay", seconds))

    def heal(self):
        self.orders.send(("heal",))

    def stop(self):
        self.process.terminate()
        self.process.join()
