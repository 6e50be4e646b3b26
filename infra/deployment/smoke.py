"""Asks deployed functions whether they work: a version before it serves, and the shop as everybody reaches it."""

import http.client
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from .functions import FUNCTIONS, LIST, WORKERS, Fleet
from .say import Refused, Steps


WORD = "warm-up"


def event(method: str, template: str) -> dict:
    """A request as API Gateway hands it over, with a word in the place of parameters. It is for nothing that exists, and
    of nobody: it changes nothing."""
    parameters = re.findall(r"\{([^}]+)\}", template)
    path = "/" + WORD if template == "$default" else re.sub(r"\{[^}]+\}", WORD, template)
    key = template if template == "$default" else f"{method} {template}"
    method = "GET" if method == "ANY" else method
    return {
        "version": "2.0", "routeKey": key, "rawPath": path, "rawQueryString": "",
        "headers": {"host": WORD, "accept": "text/html"}, "isBase64Encoded": False,
        "pathParameters": dict.fromkeys(parameters, WORD),
        "requestContext": {
            "accountId": "0", "apiId": "0", "domainName": WORD, "domainPrefix": WORD, "requestId": WORD,
            "routeKey": key, "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "infra/deploy"},
        },
    }


def versions(fleet: Fleet, versions: dict[str, str], steps: Steps) -> None:
    """Starts each new version and sees what it answers. None of them serves yet."""
    payloads: dict[str, dict] = {name: {"Records": []} for name in FUNCTIONS if name.startswith("worker_")}
    for route in LIST["routes"]:
        payloads.setdefault(route["function"], event(route["method"], route["path"]))

    def ask(name: str) -> None:
        answer = fleet.invoke(name, payloads[name], versions[name])
        status = answer.get("statusCode", 200)
        if status >= 500:
            raise Refused(f"The new version of {name} answers {status}. The old one serves on.\nIts log: infra/deploy {fleet.stage.name} logs {name}")

    names = [name for name in payloads if name in versions]
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, _ in enumerate(pool.map(ask, names), 1):
            steps.progress(done, len(names))


def fetch(url: str, headers: dict | None = None) -> int:
    """The status that an address answers with."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # Not every machine knows names below localhost.
    host = "127.0.0.1" if parts.hostname.endswith(".localhost") else parts.hostname
    connection = kind(host, parts.port, timeout=30)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": parts.netloc, "User-Agent": "infra/deploy", "Accept": "text/html", **(headers or {})})
        return connection.getresponse().status
    finally:
        connection.close()


def shop(url: str) -> None:
    """The shop, as everybody reaches it."""
    for path, expected in (("/", (200,)), ("/warm-up/warm-up/", (404,)), ("/api/v1/organizers/warm-up/webhooks/", (401,))):
        status = None
        # A new address or route is not everywhere at once.
        for attempt in range(8):
            try:
                status = fetch(url + path)
            except OSError as error:
                status = error
            if status in expected:
                break
            time.sleep(min(2**attempt / 4, 10))
        else:
            raise Refused(f"{url}{path} answers {status}; {' or '.join(map(str, expected))} was expected.")
