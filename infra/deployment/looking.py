"""Looking after a stage: what runs, what it says, what waits."""

import time

from . import functions
from .cloud import ClientError, code
from .deploying import Deployment
from .functions import LIST
from .say import Refused, table


def status(deployment: Deployment) -> None:
    """Stacks, release, queues."""
    stage = deployment.stage
    rows = []
    for stack in (deployment.data, deployment.base, deployment.edge):
        found = stack.describe()
        changed = (found or {}).get("LastUpdatedTime") or (found or {}).get("CreationTime")
        rows.append([stack.name, found["StackStatus"] if found else "-", f"{changed:%Y-%m-%d %H:%M}" if changed else ""])
    print(table(["stack", "state", "changed"], rows))
    base = deployment.base.outputs()
    if not base:
        return
    release = deployment.releases.current()
    if release:
        print(f"\nrelease {release['number']} of {release['time']}, commit {release['source']}")
        live = deployment.fleet.live()
        other = [name for name, version in live.items() if release["versions"].get(name, version) != version]
        print(f"{len(live)} functions serve" + (f"; not of this release: {', '.join(other)}" if other else ""))
    print(f"address {stage.public_url(base['ApiUrl'])}\n")
    rows = [[name, *_depth(deployment, base, identifier)] for name, identifier in LIST["queues"].items()]
    print(table(["queue", "waiting", "in work", "later", "dead"], rows))


def _depth(deployment: Deployment, base: dict, identifier: str) -> list[str]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    ask = lambda url: deployment.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]  # noqa: E731
    own = ask(base[f"{identifier}Url"])
    return [own[name] for name in names] + [ask(base[f"{identifier}DeadUrl"])[names[0]]]


def logs(deployment: Deployment, name: str, minutes: int, follow: bool) -> None:
    """What a function said."""
    if name not in functions.FUNCTIONS:
        raise Refused(f"`{name}` is no function; there are {', '.join(functions.FUNCTIONS)}.")
    client = deployment.cloud.client("logs")
    since, seen = int((time.time() - 60 * minutes) * 1000), set()
    while True:
        try:
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{deployment.fleet.full(name)}", startTime=since)
            for entry in (entry for page in pages for entry in page["events"]):
                identity = entry.get("eventId") or (entry["timestamp"], entry.get("logStreamName"), entry["message"])
                if identity not in seen:
                    seen.add(identity)
                    since = max(since, entry["timestamp"])
                    print(time.strftime("%H:%M:%S", time.localtime(entry["timestamp"] / 1000)), entry["message"].rstrip(), flush=True)
        except ClientError as error:
            raise Refused(f"The log cannot be read: {error}") from None
        if not follow:
            return
        time.sleep(2)


def redrive(deployment: Deployment, name: str) -> None:
    """Gives the dead letters of a queue back to its worker."""
    identifier = LIST["queues"].get(name)
    if identifier is None:
        raise Refused(f"`{name}` is no queue; there are {', '.join(LIST['queues'])}.")
    base = deployment.base.outputs()
    if not base:
        raise Refused(f"{deployment.stage.name} is not deployed.")
    waiting = _depth(deployment, base, identifier)[-1]
    if waiting == "0":
        print(f"The queue {name} has no dead letters.")
        return
    sqs = deployment.cloud.client("sqs")
    try:
        sqs.start_message_move_task(SourceArn=base[f"{identifier}DeadArn"], DestinationArn=base[f"{identifier}Arn"])
        print(f"About {waiting} messages go back to the queue {name}.")
    except ClientError as error:
        # Emulators do not know the task.
        if code(error) not in ("InvalidAction", "UnsupportedOperation", "UnknownOperationException"):
            raise
        print(f"{_move(sqs, base[f'{identifier}DeadUrl'], base[f'{identifier}Url'])} messages are back in the queue {name}.")


def _move(sqs, source: str, target: str) -> int:
    """Sends every message of one queue to another; returns how many. One that was sent twice does nothing twice."""
    moved = 0
    while messages := sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
        for message in messages:
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def sizes(deployment: Deployment) -> None:
    """Zipped bytes of the built functions."""
    found = sorted(functions.sizes(deployment.fleet.folder), key=lambda item: -item[1])
    print(table(["function", "zipped MB"], [[name, f"{size / 1e6:.2f}"] for name, size in found]))
