"""Types at a program on a terminal: python3 terminal.py <answer> <program> <argument>…

Gives the answer wherever it asks, writes what was on the screen, and ends as the program does. A question ends with
`[y/N] `, with another hint in brackets, or with a colon. `ctrl-c` is that key, and `enter` nothing but Enter. Answers for
questions that begin alike stand before the one for all others: `MaximumTasks=6,enter=yes` gives 6 where it is asked for
MaximumTasks, yes at `[y/N]`, and Enter everywhere else.
"""

import os
import pty
import re
import sys

given, *program = sys.argv[1:]
*by_question, rest = given.split(",")
by_question = dict(one.split("=", 1) for one in by_question)
rest, _, agreed = rest.partition("=")
QUESTION = re.compile(rb"([^\r\n]*)(\[[^\]\r\n]*\]|:)(?:\x1b\[0m)? $")


def answer(question: str) -> bytes:
    for begins, typed in by_question.items():
        if begins in question:
            return typed.encode() + b"\n"
    typed = agreed if agreed and "[y/N]" in question else rest
    # Ctrl-C is a character too.
    return b"\x03" if typed == "ctrl-c" else b"\n" if typed == "enter" else typed.encode() + b"\n"


child, screen = pty.fork()
if child == 0:
    os.execvp(program[0], program)
shown = b""
answered = 0
while True:
    try:
        data = os.read(screen, 4096)
    except OSError:  # Linux's way to say that the other end is closed.
        break
    if not data:
        break
    shown += data
    question = QUESTION.search(shown, answered)
    if question:
        answered = len(shown)
        os.write(screen, answer(question[0].decode(errors="replace")))
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
