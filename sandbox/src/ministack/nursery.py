"""Starts one ministack for each connection, as a fork of a process that has imported its slow parts already.

A connection's first line says where: {"directory": "/tmp/…", "port": 20000}. The ministack, the function processes that it
starts and its files go when the connection closes, which the kernel sees to however its other side ends. A ministack
that ends by itself has its log left until then. All go when standard input closes.
"""

import contextvars
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import threading

import yaml

# A ministack's own, which is known once it is forked. Nothing can be made there before.
DIRECTORY, PORT = "/dev/null/ministack", "99999"
os.environ.update(HOME=DIRECTORY, STATE_DIR=DIRECTORY, S3_DATA_DIR=f"{DIRECTORY}/s3", GATEWAY_PORT=PORT)
home = tempfile.mkdtemp(prefix="lendpeak2-nursery-")
tempfile.tempdir = DIRECTORY
# A fork has no thread but the one that made it.
threads, start_thread = [], threading.Thread.start
threading.Thread.start = lambda thread: threads.append(thread)

# What these spend on their start is most of what a sandbox would.
gc.disable()
yaml.SafeLoader = yaml.CSafeLoader
import hypercorn.asyncio  # noqa: E402, F401
import samtranslator.translator.transform  # noqa: E402, F401
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from samtranslator.translator.arn_generator import _get_region_from_session  # noqa: E402

# Cognito's, which nobody here asks for anything.
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
rsa.generate_private_key = lambda **_: key
import ministack.app  # noqa: E402
import ministack.services.cloudformation  # noqa: E402, F401
from ministack.core.responses import _service_model  # noqa: E402
from ministack.services import lambda_svc, sqs  # noqa: E402

# SQS keeps with a message who sent it, and hands that on. ministack has its account there; the gateway says who it was.
sent_by = contextvars.ContextVar("sent_by", default="")
handle, attributes, deliver = sqs.handle_request, sqs._build_send_sys_attrs, lambda_svc._run_sqs_batch


async def handle_request(method, path, headers, *rest):
    sent_by.set(headers.get("x-sandbox-sender", ""))
    return await handle(method, path, headers, *rest)


def attributes_of_sent(*given):
    kept = attributes(*given)
    return {**kept, "SenderId": sent_by.get() or kept["SenderId"]}


def deliver_batch(mapping, function, event, batch, *queue):
    for record, message in zip(event["Records"], batch):
        record["attributes"]["SenderId"] = message["sys"]["SenderId"]
    return deliver(mapping, function, event, batch, *queue)


sqs.handle_request, sqs._build_send_sys_attrs = handle_request, attributes_of_sent
lambda_svc._run_sqs_batch = deliver_batch

_get_region_from_session()
for service in ["cloudformation", "cloudwatch", "dynamodb", "ecs", "events", "iam", "lambda", "logs", "sns", "sqs"]:
    _service_model(service)
threading.Thread.start = start_thread
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
    os.environ.update(HOME=directory, TMPDIR=directory, STATE_DIR=directory, S3_DATA_DIR=f"{directory}/s3")
    os.environ["GATEWAY_PORT"] = str(port)
    tempfile.tempdir = directory
    for module in [module for name, module in sys.modules.items() if name.startswith("ministack")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, str):
                setattr(module, name, value.replace(DIRECTORY, directory).replace(PORT, str(port)))
    for thread in threads:
        thread.start()
    sys.argv = ["ministack"]
    sys.exit(ministack.app.main())


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
