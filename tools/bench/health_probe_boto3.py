"""health-probe as most people would write it: the same requests, one after the other (`handler`), or on a pool of
threads (`threads_handler`)."""

import http.client
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from urllib.parse import urlsplit

import boto3

ENVIRONMENT = os.environ["ENVIRONMENT"]
API = os.environ["API_URL"]
APP = os.environ["APP_URL"]
TIMEOUT_SECONDS = 10
THREADS = 25
PREFLIGHT = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
CHECKS = {
    "health": ("GET", f"{API}/health", {}),
    "health-db": ("GET", f"{API}/health/db", {}),
    "health-redis": ("GET", f"{API}/health/redis", {}),
    "page": ("GET", f"{APP}/", {}),
    "asset": ("GET", f"{APP}{os.environ['ASSET_PATH']}", {}),
    "cors": ("OPTIONS", f"{API}/api/auth/login", PREFLIGHT),
}

cloudwatch = boto3.client("cloudwatch")


def handler(event, context):
    return probe(event, context, map)


def threads_handler(event, context):
    with ThreadPoolExecutor(THREADS) as pool:
        return probe(event, context, pool.map)


def probe(event, context, each):
    """`each` calls a function for each of a list, one after the other or at once."""
    at = datetime.now(timezone.utc)
    asked = [(name, *CHECKS[name]) for name in event.get("checks", CHECKS)]
    asked += [(f"url-{number}", "GET", url, {}) for number, url in enumerate(event.get("urls", []), 1)]
    checks = list(each(lambda one: check(*one), asked))
    healthy = all(check["healthy"] for check in checks)
    # An address that was asked for would be a new metric each time.
    data = [datum for check in checks if check["name"] in CHECKS for datum in metrics(check, at)]
    data.append(point("Healthy", float(healthy), "None", at))
    report = {
        "function": "health-probe",
        "execution_id": context.aws_request_id,
        "healthy": healthy,
        "summary": summary(checks),
        "checks": checks,
    }
    print(json.dumps({"level": "INFO", "message": "probed", "report": report}))
    cloudwatch.put_metric_data(Namespace="LendPeak2", MetricData=data)
    return report


def summary(checks):
    failed = [check["name"] for check in checks if not check["healthy"]]
    if failed:
        return f"Unhealthy: {len(failed)} of {len(checks)} checks failed ({', '.join(failed)})."
    return f"Healthy: all {len(checks)} checks passed."


def check(name, method, url, headers):
    address = urlsplit(url)
    started = time.perf_counter()
    family, kind, protocol, _, where = socket.getaddrinfo(address.hostname, address.port, type=socket.SOCK_STREAM)[0]
    resolved = time.perf_counter()
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_SECONDS)
    connection.sock = socket.socket(family, kind, protocol)
    connection.sock.settimeout(TIMEOUT_SECONDS)
    connection.sock.connect(where)
    connected = time.perf_counter()
    connection.request(method, address.path, headers=headers)
    sent = time.perf_counter()
    answer = connection.getresponse()
    first_byte = time.perf_counter()
    size = len(answer.read())
    ended = time.perf_counter()
    connection.close()
    allowed = answer.getheader("Access-Control-Allow-Origin")
    return {
        "name": name,
        "url": url,
        "status": answer.status,
        "healthy": 200 <= answer.status < 300 and (name != "cors" or allowed == APP),
        "bytes": size,
        "cache_control": answer.getheader("Cache-Control"),
        "phases_ms": {
            "DnsTime": (resolved - started) * 1e3,
            "ConnectTime": (connected - resolved) * 1e3,
            "SendTime": (sent - connected) * 1e3,
            "FirstByteTime": (first_byte - sent) * 1e3,
            "TotalTime": (ended - started) * 1e3,
        },
    }


def metrics(check, at):
    yield point("Success", float(check["healthy"]), "None", at, check["name"])
    for phase, milliseconds in check["phases_ms"].items():
        yield point(phase, milliseconds, "Milliseconds", at, check["name"])


def point(metric, value, unit, at, check=None):
    dimensions = [{"Name": "Environment", "Value": ENVIRONMENT}]
    if check:
        dimensions.append({"Name": "Check", "Value": check})
    return {"MetricName": metric, "Value": value, "Unit": unit, "Timestamp": at, "Dimensions": dimensions}
