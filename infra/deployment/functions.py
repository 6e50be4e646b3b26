"""Functions: built and uploaded by cargo-lambda; versions, and the alias that serves."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from .cloud import ClientError, Cloud, code
from .say import Refused, Steps
from .stage import Stage

WORKSPACE = Path(__file__).resolve().parent.parent.parent
LIST = json.loads((WORKSPACE / "infra" / "functions.json").read_text())
FUNCTIONS: dict[str, dict] = LIST["functions"]
ALIAS: str = LIST["alias"]
# Uploads at a time.
WORKERS = 4
# Versions that stay: the one that serves, and those to go back to.
VERSIONS_KEPT = 4


def cargo_lambda() -> list[str]:
    """The command, however it was installed."""
    if shutil.which("cargo-lambda"):
        return ["cargo-lambda", "lambda"]
    raise Refused("cargo-lambda is missing: python3 -m pip install -r infra/requirements.txt (or see https://www.cargo-lambda.info).")


def build(stage: Stage) -> None:
    """Builds all functions for the stage's processor."""
    flag = "--arm64" if stage.architecture == "arm64" else "--x86-64"
    command = [*cargo_lambda(), "build", "--release", "--locked", flag, "-p", "shop", "--bins"]
    if subprocess.run(command, cwd=WORKSPACE).returncode != 0:
        raise Refused(f"The build failed. Nothing was deployed. The command was: {' '.join(command)}")


def binaries(folder: Path) -> dict[str, Path]:
    """The built functions; refuses if one is missing or too many are there."""
    found = {name: folder / name / "bootstrap" for name in FUNCTIONS}
    missing = [name for name, path in found.items() if not path.is_file()]
    if missing:
        raise Refused(f"{folder} lacks {', '.join(missing)}. Deploy without --built to build them.")
    return found


class Fleet:
    """All functions of a stage."""

    def __init__(self, cloud: Cloud, stage: Stage, folder: Path):
        self.cloud, self.stage, self.folder = cloud, stage, folder
        self.client = cloud.client("lambda")

    def full(self, name: str) -> str:
        return f"{self.stage.prefix}-{name}"

    def live(self) -> dict[str, str]:
        """Name → version that serves."""
        def version(name: str) -> tuple[str, str | None]:
            try:
                return name, self.client.get_alias(FunctionName=self.full(name), Name=ALIAS)["FunctionVersion"]
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return name, None
                raise
        with ThreadPoolExecutor(WORKERS) as pool:
            return {name: found for name, found in pool.map(version, FUNCTIONS) if found}

    def upload(self, names: list[str], roles: dict, environment: dict, network: tuple[list, list], steps: Steps) -> dict[str, str]:
        """Makes a new version of each function with `cargo lambda deploy`. Nothing of it serves yet."""
        with tempfile.TemporaryDirectory() as folder:
            # A file that only we can read: on a command line everybody on this machine sees the secrets.
            file = Path(folder) / "environment"
            file.touch(mode=0o600)
            file.write_text("".join(f"{name}={_quoted(name, value)}\n" for name, value in environment.items() if value))
            versions: dict[str, str] = {}
            with ThreadPoolExecutor(WORKERS) as pool:
                tasks = {pool.submit(self._upload, name, roles[FUNCTIONS[name]["role"]], file, network): name for name in names}
                for task in as_completed(tasks):
                    try:
                        versions[tasks[task]] = task.result()
                    except Refused:
                        pool.shutdown(cancel_futures=True)
                        raise
                    steps.progress(len(versions), len(names))
            return versions

    def _upload(self, name: str, role: str, environment: Path, network: tuple[list, list]) -> str:
        function = FUNCTIONS[name]
        command = [
            *cargo_lambda(), "deploy", self.full(name), "--binary-name", name, "--lambda-dir", str(self.folder),
            "--region", self.cloud.region, "--role", role, "--env-file", str(environment), "--output-format", "json",
            "--memory", str(function["memory_mb"]), "--timeout", str(function["timeout_seconds"]),
            "--tag", f"onsale={self.stage.name}", "--tracing", "active" if self.stage.traces else "passthrough",
        ]
        if self.cloud.endpoint_url:
            command += ["--endpoint-url", self.cloud.endpoint_url]
        subnets, groups = network
        if subnets:
            command += ["--subnet-ids", ",".join(subnets), "--security-group-ids", ",".join(groups)]
        for attempt in range(5):
            done = subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
            if done.returncode == 0:
                return _version(name, done.stdout)
            # A role needs some seconds until Lambda believes in it.
            if "cannot be assumed" not in done.stderr and "ResourceConflict" not in done.stderr:
                break
            time.sleep(5 * (attempt + 1))
        raise Refused(f"`cargo lambda deploy` of {name} failed. The old version serves on.\n{done.stderr.strip()}")

    def wait_active(self, names) -> None:
        """A function with a network needs a while before it can run."""
        for name in names:
            self.client.get_waiter("function_active_v2").wait(FunctionName=self.full(name), WaiterConfig={"Delay": 2, "MaxAttempts": 150})

    def invoke(self, name: str, payload: dict, version: str) -> dict:
        """Runs a version; refuses with what it said if it failed."""
        answer = self.client.invoke(FunctionName=self.full(name), Qualifier=version, Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            said = body.get("errorMessage", body) if isinstance(body, dict) else body
            raise Refused(f"{name} failed: {said}\nIts log: infra/deploy {self.stage.name} logs {name}")
        return body

    def switch(self, versions: dict[str, str], release: str) -> None:
        """Lets these versions serve. Each function is switched at once, all of them within seconds."""
        def switch(item: tuple[str, str]) -> None:
            name, version = item
            arguments = dict(FunctionName=self.full(name), Name=ALIAS, FunctionVersion=version, Description=release)
            try:
                self.client.update_alias(**arguments)
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise
                self.client.create_alias(**arguments)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(switch, versions.items()))

    def reserve(self) -> int:
        """Keeps invocations for those who buy, or gives them back; returns how many are kept."""
        kept = 0
        for name, function in FUNCTIONS.items():
            wanted = function["reserved"] if self.stage.reserve_concurrency else None
            arguments = dict(FunctionName=self.full(name))
            present = self.client.get_function_concurrency(**arguments).get("ReservedConcurrentExecutions")
            if wanted and present != wanted:
                self.client.put_function_concurrency(**arguments, ReservedConcurrentExecutions=wanted)
            elif not wanted and present is not None:
                self.client.delete_function_concurrency(**arguments)
            kept += wanted or 0
        return kept

    def prune(self, kept: set[tuple[str, str]]) -> None:
        """Removes versions that nobody can go back to: Lambda counts their bytes."""
        for name in FUNCTIONS:
            pages = self.client.get_paginator("list_versions_by_function").paginate(FunctionName=self.full(name))
            versions = [entry["Version"] for page in pages for entry in page["Versions"] if entry["Version"] != "$LATEST"]
            for version in sorted(versions, key=int)[:-VERSIONS_KEPT]:
                if (name, version) not in kept:
                    self.client.delete_function(FunctionName=self.full(name), Qualifier=version)

    def changed(self) -> list[str]:
        """Functions whose code here differs from the deployed code."""
        def differs(name: str) -> str | None:
            try:
                deployed = self.client.get_function_configuration(FunctionName=self.full(name), Qualifier=ALIAS)["CodeSha256"]
            except ClientError:
                return f"create {name}"
            local = self.folder / name / "bootstrap.zip"
            if not local.is_file():
                return None
            return f"update {name}" if base64.b64encode(hashlib.sha256(local.read_bytes()).digest()).decode() != deployed else None
        with ThreadPoolExecutor(WORKERS) as pool:
            return [line for line in pool.map(differs, FUNCTIONS) if line]

    def remove(self) -> int:
        """Deletes all functions with their versions; returns how many there were."""
        removed = 0
        for name in FUNCTIONS:
            try:
                self.client.delete_function(FunctionName=self.full(name))
                removed += 1
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise
        return removed


def _quoted(name: str, value: str) -> str:
    """A value as cargo-lambda reads it from a file."""
    for quote in "'\"`":
        if quote not in value and "\n" not in value:
            return f"{quote}{value}{quote}"
    raise Refused(f"{name} contains all kinds of quotes, or a line break; in an address write %27 for an apostrophe.")


def _version(name: str, stdout: str) -> str:
    """The version that cargo-lambda made: it answers with one JSON object."""
    try:
        version = json.loads(stdout[stdout.index("{"):])["version"]
        if str(version).isdigit():
            return str(version)
    except (ValueError, KeyError):
        pass
    raise Refused(f"`cargo lambda deploy` of {name} did not tell the version it made: {stdout.strip()}")


def sizes(folder: Path) -> list[tuple[str, int]]:
    """Name and zipped bytes of each built function."""
    found = []
    for name, path in binaries(folder).items():
        zipped = path.with_name("measured.zip")
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "bootstrap")
        found.append((name, zipped.stat().st_size))
        zipped.unlink()
    return found
