"""A deploy from beginning to end, its plan, and what undoes it."""

import json
from pathlib import Path

from . import checks, functions, smoke
from .cloud import BotoCoreError, ClientError, Cloud, code
from .functions import LIST, Fleet
from .releases import Releases, source
from .say import Refused, Steps
from .stacks import Stack
from .stage import Stage

MIGRATE = LIST["migrate"]


class Deployment:
    """Everything of one stage in one account."""

    def __init__(self, cloud: Cloud, stage: Stage, folder: Path):
        self.cloud, self.stage = cloud, stage
        self.releases = Releases(cloud, stage.prefix)
        self.fleet = Fleet(cloud, stage, folder)
        stack = lambda name, file: Stack(cloud, stage.prefix, name, file, self.releases.bucket)  # noqa: E731
        self.data, self.base, self.edge = stack("data", "data.yaml"), stack("base", "base.json"), stack("edge", "edge.json")

    # --- parameters ---

    def data_values(self) -> dict:
        database, yes = self.stage.database, lambda flag: "yes" if flag else "no"
        return {
            "Stage": self.stage.name, "CapacityMin": database["capacity_min"], "CapacityMax": database["capacity_max"],
            "PauseSeconds": database["pause_seconds"], "BackupDays": database["backup_days"], "Proxy": yes(database["proxy"]),
            "Replica": yes(database["replica"]), "Internet": yes(database["internet"]), "Protected": "yes",
        }

    def base_values(self, data: dict) -> dict:
        stage = self.stage
        return {"DatabaseUserArn": data.get("DatabaseUserArn", ""), "Stage": stage.name, "MailFrom": stage.mail_from, "AlarmMail": stage.alarm_mail, "ApiOrigin": stage.api_origin, "ReceivesMax": stage.receives_max}

    def edge_values(self, base: dict, data: dict) -> dict:
        stage = self.stage
        values = {
            "Stage": stage.name, "ApiId": base["ApiId"], "AlarmTopicArn": base["AlarmTopicArn"], "MediaBucket": base["MediaBucket"],
            "RequestsPerSecond": stage.requests_per_second, "RequestsBurst": stage.requests_burst, "Domain": stage.domain,
            "DatabaseCluster": data.get("Cluster", ""), "Schedules": "ENABLED" if stage.schedules else "DISABLED",
        }
        if stage.domain:
            values["CertificateArn"] = stage.certificate_arn
        if stage.is_aurora:
            values["ConnectionsMax"] = stage.database["connections_max"]
        return values | {f"{queue}Arn": base[f"{queue}Arn"] for queue in LIST["queues"].values()}

    def environment(self, base: dict, data: dict) -> dict:
        """What functions find in their environment."""
        stage = self.stage
        url, replica_url = self._database(data)
        queue, identifier = next(iter(LIST["queues"].items()))
        values = {
            "DATABASE_URL": url,
            "DATABASE_REPLICA_URL": replica_url,
            "DATABASE_AUTH": "iam" if data.get("DatabaseUserArn") else "",
            "DATABASE_CA": stage.ca_text(),
            "SECRET_KEY": self._secret(base["SecretArn"])["SECRET_KEY"],
            "QUEUE_URL_PREFIX": base[f"{identifier}Url"].removesuffix(queue),
            "MEDIA_BUCKET": base["MediaBucket"],
            "MAIL_URL": "ses:",
            "MAIL_FROM": stage.mail_from,
            "MAILS_PER_SECOND": str(stage.mails_per_second),
            "PUBLIC_URL": stage.public_url(base["ApiUrl"]),
            "WEBHOOK_PRIVATE_ADDRESSES": ",".join(stage.webhook_private_addresses),
        }
        if values.keys() != set(LIST["environment"]):
            raise Refused(f"functions.json and this program know different variables: {values.keys() ^ set(LIST['environment'])}.")
        if self.cloud.endpoint_url:
            values["AWS_ENDPOINT_URL"] = self.cloud.endpoint_url
        return values

    def _secret(self, arn: str) -> dict:
        return json.loads(self.cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])

    def _database(self, data: dict) -> tuple[str, str]:
        if not self.stage.is_aurora:
            return self.stage.own_url(), self.stage.own_url("replica_url_variable")
        user = "onsale"
        if "DatabaseSecretArn" in data:
            user += f":{self._secret(data['DatabaseSecretArn'])['password']}"
        address = lambda host: f"postgres://{user}@{host}:5432/onsale?sslmode=require"  # noqa: E731
        return address(data["DatabaseHost"]), address(data["ReplicaHost"]) if "ReplicaHost" in data else ""

    def network(self, data: dict) -> tuple[list, list]:
        if self.stage.is_aurora:
            return data["SubnetIds"].split(","), [data["SecurityGroupId"]]
        return self.stage.database["subnet_ids"], self.stage.database["security_group_ids"]

    # --- the way there ---

    def check(self, builds: bool) -> None:
        checks.tools(builds)
        checks.schema_is_committed()
        self.cloud.account()
        if not self.stage.is_aurora:
            self.stage.own_url()
            self.stage.own_url("replica_url_variable")
        self.stage.ca_text()
        first = self.base.describe() is None
        if first and not (self.stage.is_aurora and self.data.describe()):
            checks.names_are_free(self.cloud, self.stage)
        reserved = 0 if first else self._reserved()
        checks.concurrency(self.cloud, self.stage, reserved)
        self.releases.exists()

    def _reserved(self) -> int:
        total = 0
        for name, function in functions.FUNCTIONS.items():
            if function["reserved"]:
                try:
                    answer = self.fleet.client.get_function_concurrency(FunctionName=self.fleet.full(name))
                    total += answer.get("ReservedConcurrentExecutions", 0)
                except ClientError as error:
                    if code(error) != "ResourceNotFoundException":
                        raise
        return total

    def deploy(self, builds: bool) -> str:
        """Brings everything up to what is here; returns the address of the shop."""
        steps = Steps(9 + builds + self.stage.is_aurora)
        steps.step("Checking tools, credentials and names")
        self.check(builds)
        warning = checks.mail(self.cloud, self.stage)
        steps.close(f"; {warning}" if warning else "")
        if builds:
            steps.step(f"Building {len(functions.FUNCTIONS)} functions")
            functions.build(self.stage)
        functions.binaries(self.fleet.folder)
        self.releases.prepare()
        if self.stage.is_aurora:
            steps.step("Stack data: network and database (the first time a quarter of an hour)")
            if self.data.standing() is None:
                # What protects the database would also keep a first attempt that failed.
                self.data.deploy({**self.data_values(), "Protected": "no"})
            self.data.deploy(self.data_values())
        data = self.data.outputs() if self.stage.is_aurora else {}
        steps.step("Stack base: queues, bucket, roles, logs")
        self.base.deploy(self.base_values(data))
        base = self.base.outputs()
        environment, network = self.environment(base, data), self.network(data)
        roles = {key: value for key, value in base.items() if key.endswith("RoleArn")}

        steps.step("Database: migrations")
        versions = self.fleet.upload([MIGRATE], roles, environment, network, steps)
        self.fleet.wait_active([MIGRATE])
        applied = self._migrate(versions[MIGRATE])
        steps.close(f"; {len(applied)} applied" if applied else "; nothing to apply")

        steps.step("Functions: uploading new versions")
        others = [name for name in functions.FUNCTIONS if name != MIGRATE]
        versions |= self.fleet.upload(others, roles, environment, network, steps)
        self.fleet.wait_active(others)
        steps.step("Functions: starting and asking the new versions")
        smoke.versions(self.fleet, versions, steps)

        steps.step("Switching to the new versions")
        before, current = self.fleet.live(), self.releases.current()
        number = self.releases.next_number()
        self.releases.record(number, versions, current and current["number"])
        url = self.stage.public_url(base["ApiUrl"])
        try:
            self.fleet.switch(versions, f"release {number}, {source()}")
            steps.close(f"; release {number}")
            steps.step("Stack edge: routes, event sources, schedules, alarms")
            self._public_files(base)
            self.edge.deploy(self.edge_values(base, data))
            kept = self.fleet.reserve()
            steps.close(f"; {kept} invocations kept for buying" if kept else "")
            steps.step("Asking the shop")
            smoke.shop(base["ApiUrl"])
        except (Refused, BotoCoreError, ClientError, KeyboardInterrupt) as failure:
            if before:
                self.fleet.switch(before, f"back from release {number}")
                raise Refused(f"{failure or 'Stopped.'}\nThe versions of before serve again.") from None
            raise
        steps.step("Tidying up")
        self.releases.point(number)
        recent = [release for release in (current, self.releases.get(number)) if release]
        self.fleet.prune({pair for release in recent for pair in release["versions"].items()})
        steps.close()
        print(f"Release {number} of {self.stage.name} serves after {steps.seconds():.0f} s: {url}")
        if self.stage.domain:
            print(f"DNS: {self.stage.domain} has to be an alias of {self.edge.outputs().get('DistributionDomain')}.")
        return url

    def _migrate(self, version: str) -> list[str]:
        """Applies what is missing; refuses when the database is ahead of this code."""
        plan = self.fleet.invoke(MIGRATE, {"plan": True}, version)
        if plan["unknown"]:
            raise Refused(f"The database has migrations that this code does not know ({', '.join(map(str, plan['unknown']))}): the code is older than what is deployed. Deploy the newer commit, or go back with `infra/deploy {self.stage.name} rollback`.")
        return self.fleet.invoke(MIGRATE, {}, version)["applied"]

    def _public_files(self, base: dict) -> None:
        page = (Path(__file__).resolve().parent.parent / "unavailable.html").read_bytes()
        self.cloud.client("s3").put_object(Bucket=base["MediaBucket"], Key="pub/errors/unavailable.html", Body=page, ContentType="text/html; charset=utf-8", CacheControl="max-age=60")

    def plan(self) -> None:
        """Tells what a deploy would change, and changes nothing."""
        self.check(builds=False)
        base_stack = self.base.describe()
        print(f"Account {self.cloud.account()}, region {self.cloud.region}, commit {source()}")
        parts = []
        if self.stage.is_aurora:
            parts.append(("data", self.data.plan(self.data_values()) if base_stack else [f"create the stack {self.data.name}"]))
        data = self.data.outputs() if self.stage.is_aurora and base_stack else {}
        parts.append(("base", self.base.plan(self.base_values(data))))
        if base_stack:
            base = self.base.outputs()
            parts.append(("edge", self.edge.plan(self.edge_values(base, data))))
            live = self.fleet.live()
            if MIGRATE in live:
                known = self.fleet.invoke(MIGRATE, {"plan": True}, live[MIGRATE])["applied"]
                files = sorted(path.stem for path in (functions.WORKSPACE / "migrations").glob("*.sql"))
                parts.append(("migrations", [f"apply {name}" for name in files if name not in known]))
        else:
            parts.append(("edge", [f"create the stack {self.edge.name}"]))
        parts.append(("functions", self.fleet.changed()))
        for name, lines in parts:
            print(f"{name}:")
            for line in lines or ["no change"]:
                print(f"  {line}")

    def rollback(self, number: int | None) -> None:
        """Lets an earlier release serve again. The schema stays: what is newer than the code does not disturb it."""
        current = self.releases.current()
        if current is None:
            raise Refused(f"{self.stage.name} has no release yet.")
        number = number or current["previous"]
        release = self.releases.get(number) if number else None
        if release is None:
            raise Refused(f"There is no release {number or 'before this one'} to go back to.")
        steps = Steps(2)
        steps.step(f"Switching to release {number} ({release['source']}, {release['time']})")
        before = self.fleet.live()
        try:
            self.fleet.switch(release["versions"], f"release {number}, {release['source']}")
        except ClientError as error:
            self.fleet.switch(before, "rollback failed")
            raise Refused(f"Release {number} cannot serve any more: {error}") from None
        steps.step("Asking the shop")
        # It serves, whatever the shop answers.
        self.releases.point(number)
        smoke.shop(self.base.outputs()["ApiUrl"])
        steps.close()
        print(f"Release {number} serves.")

    def destroy(self, with_files: bool) -> None:
        """Removes the stage. Files stay unless asked for, the database as a snapshot."""
        steps = Steps(4 + self.stage.is_aurora)
        base = self.base.outputs()
        steps.step("Stack edge")
        self.edge.remove()
        steps.step("Functions")
        steps.close(f"; {self.fleet.remove()} removed")
        steps.step("Stack base")
        self.base.remove()
        if base:
            try:
                self.cloud.client("secretsmanager").delete_secret(SecretId=base["SecretArn"], ForceDeleteWithoutRecovery=True)
            except ClientError as error:
                if code(error) not in ("ResourceNotFoundException", "InvalidRequestException"):
                    raise
        if self.stage.is_aurora:
            steps.step("Stack data (the database is kept as a snapshot)")
            cluster = self.data.outputs().get("Cluster")
            if cluster:
                self.cloud.client("rds").modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False, ApplyImmediately=True)
            self.data.remove()
        steps.step("Releases" + (" and files" if with_files else ""))
        self.releases.remove()
        if with_files and base:
            resource = self.cloud.session.resource("s3", endpoint_url=self.cloud.endpoint_url).Bucket(base["MediaBucket"])
            resource.objects.all().delete()
            resource.delete()
        steps.close()
        kept = [f"the bucket {base['MediaBucket']}"] if base and not with_files else []
        kept += ["a snapshot of the database"] if self.stage.is_aurora else []
        kept += [f"the secret {self.stage.prefix}-database"] if self.stage.is_aurora and not self.stage.database["proxy"] else []
        print(f"{self.stage.name} is gone. Kept: {', '.join(kept) or 'nothing'}.")
