"""Everything that can be found out before something is created."""

import subprocess
from pathlib import Path

from . import functions
from .cloud import ClientError, Cloud, code
from .say import Refused
from .stage import Stage

WORKSPACE = Path(__file__).resolve().parent.parent.parent
# Lambda keeps so many invocations for functions that have none of their own.
UNRESERVED_MIN = 100


def tools(builds: bool) -> None:
    """The programs that a deploy runs."""
    functions.cargo_lambda()
    if builds and subprocess.run(["cargo", "--version"], capture_output=True).returncode != 0:
        raise Refused("cargo is missing: https://rustup.rs.")


def schema_is_committed() -> None:
    """A migration that was applied may never change again, so it has to be what was committed."""
    done = subprocess.run(["git", "status", "--porcelain", "--", "migrations"], cwd=WORKSPACE, capture_output=True, text=True)
    if done.returncode == 0 and done.stdout.strip():
        raise Refused(f"There are migrations that are not committed:\n{done.stdout.rstrip()}\nCommit them first: once applied they cannot change.")


def names_are_free(cloud: Cloud, stage: Stage) -> None:
    """Before the first deploy: nothing of somebody else has the names that we are about to take."""
    taken = []
    try:
        cloud.client("lambda").get_function_configuration(FunctionName=f"{stage.prefix}-{functions.LIST['migrate']}")
        taken.append(f"the function {stage.prefix}-{functions.LIST['migrate']}")
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
    # Other stages' names may begin like ours.
    ours = {f"{stage.prefix}-{queue}{end}" for queue in functions.LIST["queues"] for end in ("", "-dead")}
    queues = cloud.client("sqs").list_queues(QueueNamePrefix=f"{stage.prefix}-").get("QueueUrls", [])
    taken += [f"the queue {name}" for name in (url.rsplit("/", 1)[-1] for url in queues) if name in ours]
    for name in (f"{stage.prefix}-shop", f"{stage.prefix}-database"):
        try:
            found = cloud.client("secretsmanager").describe_secret(SecretId=name)
            when = " (it is being deleted; `aws secretsmanager delete-secret --force-delete-without-recovery` makes its name free)" if found.get("DeletedDate") else ""
            # The database's secret outlives its stack on purpose.
            if name.endswith("-shop") or stage.is_aurora:
                taken.append(f"the secret {name}{when}")
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
    ours = {f"/aws/lambda/{stage.prefix}-{name}" for name in functions.FUNCTIONS}
    pages = cloud.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{stage.prefix}-")
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"] if group["logGroupName"] in ours]
    taken += [f"the log group {name}" for name in groups[:3]]
    if taken:
        listed = "\n".join(f"  {what}" for what in taken)
        raise Refused(f"Somebody uses these names already, and not through this program:\n{listed}\nRemove them, or give the stage another name.")


def concurrency(cloud: Cloud, stage: Stage, reserved_now: int) -> None:
    """The account has as many invocations as shall be kept."""
    if not stage.reserve_concurrency:
        return
    wanted = sum(function["reserved"] or 0 for function in functions.FUNCTIONS.values())
    limits = cloud.client("lambda").get_account_settings()["AccountLimit"]
    left = limits["UnreservedConcurrentExecutions"] + reserved_now - wanted
    if left < UNRESERVED_MIN:
        raise Refused(
            f"{wanted} invocations at a time shall be kept for those who buy, but this account may run {limits['ConcurrentExecutions']} "
            f"in all, and {UNRESERVED_MIN} have to stay free. Ask for a higher limit (Service Quotas, Lambda, concurrent executions), "
            f"or set reserve_concurrency = false in {stage.path}.")


def mail(cloud: Cloud, stage: Stage) -> str | None:
    """A warning if SES would not take our mails."""
    client = cloud.client("sesv2")
    for identity in (stage.mail_from, stage.mail_from.split("@")[1]):
        try:
            if client.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus"):
                break
        except ClientError as error:
            if code(error) not in ("NotFoundException", "BadRequestException"):
                return f"Whether SES takes mails from {stage.mail_from} cannot be seen: {error}"
    else:
        return f"SES has not verified {stage.mail_from}: mails will wait until it has."
    return None
