"""What was deployed when: a file for each release in the stage's bucket of deploys, and which of them serves."""

import json
import subprocess
import time
from pathlib import Path

from .cloud import ClientError, Cloud, code
from .say import Refused

WORKSPACE = Path(__file__).resolve().parent.parent.parent


def bucket_name(cloud: Cloud, prefix: str) -> str:
    """Names of buckets are unique in the whole world."""
    return f"{prefix}-deploys-{cloud.account()}-{cloud.region}"


def source() -> str:
    """The commit that is deployed, with a mark if files differ from it."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=WORKSPACE, capture_output=True, text=True).stdout.strip()
    commit = git("rev-parse", "--short=12", "HEAD") or "unknown"
    return f"{commit}+changes" if git("status", "--porcelain", "--untracked-files=no") else commit


class Releases:
    """The releases of a stage."""

    def __init__(self, cloud: Cloud, prefix: str):
        self.cloud = cloud
        self.bucket = bucket_name(cloud, prefix)
        self.s3 = cloud.client("s3")

    def exists(self) -> bool:
        try:
            self.s3.head_bucket(Bucket=self.bucket)
            return True
        except ClientError as error:
            if code(error) in ("404", "NoSuchBucket"):
                return False
            if code(error) == "403":
                raise Refused(f"The bucket {self.bucket} belongs to somebody else, or these credentials may not use it. Choose another name of the stage.") from None
            raise

    def prepare(self) -> None:
        """Makes the bucket, private."""
        if self.exists():
            return
        location = {} if self.cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.cloud.region}}
        self.s3.create_bucket(Bucket=self.bucket, **location)
        block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
        self.s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=block)

    def _read(self, key: str):
        try:
            return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            if code(error) in ("NoSuchKey", "NoSuchBucket", "404"):
                return None
            raise

    def current(self) -> dict | None:
        """The release that serves."""
        pointer = self._read("current.json")
        return self.get(pointer["number"]) if pointer else None

    def get(self, number: int) -> dict | None:
        return self._read(f"releases/{number:06}.json")

    def next_number(self) -> int:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="releases/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return max((int(key.split("/")[1].split(".")[0]) for key in keys), default=0) + 1

    def record(self, number: int, versions: dict[str, str], previous: int | None) -> None:
        """Writes down a release, before it serves."""
        release = {"number": number, "source": source(), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "versions": versions, "previous": previous}
        self.s3.put_object(Bucket=self.bucket, Key=f"releases/{number:06}.json", Body=json.dumps(release, indent=1).encode())

    def point(self, number: int) -> None:
        """That release serves."""
        self.s3.put_object(Bucket=self.bucket, Key="current.json", Body=json.dumps({"number": number}).encode())

    def remove(self) -> None:
        """Deletes the bucket with everything in it."""
        if not self.exists():
            return
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        for page in pages:
            for entry in page.get("Contents", []):
                self.s3.delete_object(Bucket=self.bucket, Key=entry["Key"])
        self.s3.delete_bucket(Bucket=self.bucket)
