"""Types at a program on a terminal: python3 terminal.py <answer> <program> <argument>…

Gives the answer where it asks `[y/N]`, writes what was on the screen, and ends as the program does.
"""

import os
import pty
import sys

answer, *program = sys.argv[1:]
child, screen = pty.fork()
if child == 0:
    os.execvp(program[0], program)
shown = b""
asked = False
while True:
    try:
        data = os.read(screen, 4096)
    except OSError:  # Linux's way to say that the other end is closed.
        break
    if not data:
        break
    shown += data
    if not asked and b"[y/N]" in shown:
        asked = True
        # Ctrl-C is a character too.
        os.write(screen, b"\x03" if answer == "ctrl-c" else answer.encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
