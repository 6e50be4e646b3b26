"""CloudFormation: one stack at a time, with what changes and why it failed."""

import json
import time
from pathlib import Path

from .cloud import ClientError, Cloud, code
from .say import Refused

INFRA = Path(__file__).resolve().parent.parent
# AWS takes longer templates from a bucket only.
INLINE_MAX = 51_200
GONE = ("DELETE_COMPLETE",)


class Stack:
    """One stack of a stage."""

    def __init__(self, cloud: Cloud, prefix: str, name: str, file: str, bucket: str):
        self.cloud = cloud
        self.name = f"{prefix}-{name}"
        self.path = INFRA / file
        self.bucket = bucket
        self.cfn = cloud.client("cloudformation")

    def describe(self) -> dict | None:
        try:
            found = self.cfn.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error) or code(error) == "ValidationError":
                return None
            raise
        found = [stack for stack in found if stack["StackStatus"] not in GONE]
        return found[0] if found else None

    def outputs(self) -> dict:
        stack = self.describe()
        return {output["OutputKey"]: output["OutputValue"] for output in (stack or {}).get("Outputs", [])}

    def body(self) -> str:
        text = self.path.read_text()
        # What people read has spaces; CloudFormation counts them.
        return json.dumps(json.loads(text), separators=(",", ":")) if self.path.suffix == ".json" else text

    def _template(self) -> dict:
        body = self.body()
        if len(body.encode()) <= INLINE_MAX:
            return {"TemplateBody": body}
        key = f"templates/{self.name}"
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        if self.cloud.endpoint_url:
            return {"TemplateURL": f"{self.cloud.endpoint_url}/{self.bucket}/{key}"}
        return {"TemplateURL": f"https://{self.bucket}.s3.{self.cloud.region}.amazonaws.com/{key}"}

    @staticmethod
    def _parameters(values: dict) -> list[dict]:
        return [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in values.items()]

    def standing(self) -> dict | None:
        """The stack, if it was ever complete: a first attempt that failed has nothing to keep, and can only be removed."""
        stack = self.describe()
        if stack and stack["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "CREATE_FAILED"):
            self.remove()
            return None
        return stack

    def deploy(self, values: dict) -> bool:
        """Creates or updates the stack; says whether something changed."""
        stack = self.standing()
        if stack and stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise Refused(f"The stack {self.name} is busy ({stack['StackStatus']}). Is another deploy running? Try again when it is over.")
        begun = time.time()
        arguments = dict(StackName=self.name, Parameters=self._parameters(values), Capabilities=["CAPABILITY_IAM"], **self._template())
        try:
            if stack is None:
                self.cfn.create_stack(**arguments, OnFailure="ROLLBACK", Tags=[{"Key": "onsale", "Value": self.name}])
            else:
                self.cfn.update_stack(**arguments)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return False
            raise Refused(f"The stack {self.name} cannot be deployed: {error}") from None
        self._wait(begun)
        return True

    def _wait(self, begun: float) -> None:
        pause = 0.2 if self.cloud.endpoint_url else 5
        while True:
            stack = self.describe()
            status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(pause)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
            raise Refused(f"The stack {self.name} failed ({status}); AWS has undone it.\n{self._reasons(begun)}")

    def _reasons(self, begun: float) -> str:
        events = self.cfn.describe_stack_events(StackName=self.name).get("StackEvents", [])
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED") and event["Timestamp"].timestamp() >= begun - 5]
        lines = [f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in reversed(failed)]
        return "\n".join(lines[:5])

    def plan(self, values: dict) -> list[str]:
        """What a deploy would change, a line each."""
        stack = self.describe()
        if stack is None:
            resources = json.loads(self.body())["Resources"] if self.path.suffix == ".json" else {}
            return [f"create the stack{f' with {len(resources)} resources' if resources else ''}"]
        name = f"plan-{int(time.time())}"
        kind = dict(StackName=self.name, ChangeSetName=name)
        self.cfn.create_change_set(**kind, ChangeSetType="UPDATE", Parameters=self._parameters(values), Capabilities=["CAPABILITY_IAM"], **self._template())
        while (change := self.cfn.describe_change_set(**kind))["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            time.sleep(1)
        reason = change.get("StatusReason", "")
        if change["Status"] == "FAILED" and "didn't contain changes" not in reason and "No updates are to be performed" not in reason:
            self.cfn.delete_change_set(**kind)
            raise Refused(f"What would change in the stack {self.name} cannot be told: {reason}")
        changes = list(change.get("Changes", []))
        while change.get("NextToken"):
            change = self.cfn.describe_change_set(**kind, NextToken=change["NextToken"])
            changes += change.get("Changes", [])
        self.cfn.delete_change_set(**kind)
        lines = []
        for entry in (item["ResourceChange"] for item in changes):
            replaced = " (is replaced)" if entry.get("Replacement") == "True" else ""
            lines.append(f"{entry['Action'].lower()} {entry['LogicalResourceId']} ({entry['ResourceType']}){replaced}")
        return lines

    def remove(self) -> bool:
        """Deletes the stack, if it is there."""
        if self.describe() is None:
            return False
        begun = time.time()
        self.cfn.delete_stack(StackName=self.name)
        self._wait(begun)
        return True
