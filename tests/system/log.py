"""What a program says, followed while it runs."""

import contextlib
import os
import time


class Log:
    """What a checker says, line by line."""

    def __init__(self, child):
        self.child = child
        os.set_blocking(child.stdout.fileno(), False)
        self.text = ""

    def until(self, wanted, bound=10.0):
        """Until a line has this text, from here on."""
        until = time.monotonic() + bound
        while wanted not in self.text:
            assert time.monotonic() < until, f"no '{wanted}' in:\n{self.text}"
            self.read()
            time.sleep(0.02)
        self.text = self.text.split(wanted, 1)[1]

    def read(self):
        with contextlib.suppress(TypeError, BlockingIOError):
            self.text += self.child.stdout.read() or ""
        return self.text
