"""Starts one ministack for each connection, as a fork of a process that has imported its slow parts already.

A connection's first line says where: {"directory": "/tmp/…", "port": 20000}. The ministack, the function processes that it
starts and its files go when the connection closes, which the kernel sees to however its other side ends. A ministack
that ends by itself has its log left until then. All go when standard input closes.
"""

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile

import yaml

# What these spend on their start is more than half of what a sandbox would.
gc.disable()
yaml.SafeLoader = yaml.CSafeLoader
import defusedxml.ElementTree  # noqa: E402, F401
import docker  # noqa: E402, F401
import hypercorn.asyncio  # noqa: E402, F401
import jsonata  # noqa: E402, F401
import samtranslator.translator.transform  # noqa: E402, F401
from cryptography.hazmat.primitives import serialization  # noqa: E402, F401
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from ministack.core.responses import _service_model  # noqa: E402

for service in ["cloudformation", "cloudwatch", "dynamodb", "ecs", "events", "iam", "lambda", "logs", "sns", "sqs"]:
    _service_model(service)
# Cognito's, which nobody here asks for anything.
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
rsa.generate_private_key = lambda **_: key
gc.enable()
gc.freeze()

running = {}


def start(connection):
    try:
        connection.settimeout(5)
        with connection.makefile() as lines:
            wanted = json.loads(lines.readline())
        child = os.fork()
    except (OSError, ValueError):  # it is gone, or the machine is full: the other side sees it closed
        connection.close()
        return
    if child == 0:
        for other in [selector, listener, connection, *running]:
            other.close()
        become_ministack(**wanted)
    running[connection] = child, wanted["directory"]
    selector.register(connection, selectors.EVENT_READ)


def become_ministack(directory, port):
    os.setpgid(0, 0)
    log = os.open(f"{directory}/ministack.log", os.O_CREAT | os.O_WRONLY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in [(nothing, 0), (log, 1), (log, 2)]:
        os.dup2(theirs, ours)
    os.environ.update(
        HOME=directory, TMPDIR=directory, STATE_DIR=directory, S3_DATA_DIR=f"{directory}/s3", GATEWAY_PORT=str(port)
    )
    tempfile.tempdir = None  # it was looked up before TMPDIR was another
    sys.argv = ["ministack"]
    from ministack.app import main

    sys.exit(main())


def has_ended(connection):
    child, _ = running[connection]
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end(connection):
    child, directory = running.pop(connection)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it has no group yet
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    shutil.rmtree(directory, ignore_errors=True)
    selector.unregister(connection)
    connection.close()


home = tempfile.mkdtemp(prefix="lendpeak2-nursery-")
listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{home}/socket")
listener.listen(64)
selector = selectors.DefaultSelector()
for source in [sys.stdin, listener]:
    selector.register(source, selectors.EVENT_READ)
print(listener.getsockname(), flush=True)
nursery, ready = os.getpid(), set()
try:
    while sys.stdin not in ready:
        if listener in ready:
            start(listener.accept()[0])
        for connection in list(running):
            if connection in ready:
                end(connection)
            elif has_ended(connection):
                connection.shutdown(socket.SHUT_WR)
        ready = {key.fileobj for key, _ in selector.select(timeout=0.05)}
finally:
    if os.getpid() == nursery:  # and not a ministack that ends
        for connection in list(running):
            end(connection)
        shutil.rmtree(home)
