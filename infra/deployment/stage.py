"""The parameters of one stage, from its file."""

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from .say import Refused

FOLDER = Path(__file__).resolve().parent.parent / "stages"

# Name → (type, default). `...` has to be given.
TOP = {
    "region": (str, ...),
    "mail_from": (str, ...),
    "mails_per_second": (int, 14),
    "alarm_mail": (str, ""),
    "api_origin": (str, ""),
    "domain": (str, ""),
    "certificate_arn": (str, ""),
    "requests_per_second": (int, 2000),
    "requests_burst": (int, 4000),
    "architecture": (str, "arm64"),
    "traces": (bool, False),
    "reserve_concurrency": (bool, True),
    "receives_max": (int, 5),
    "schedules": (bool, True),
    "webhook_private_addresses": (list, []),
    "database": (dict, {}),
}
AURORA = {
    "kind": (str, "aurora"),
    "capacity_min": ((int, float), 0),
    "capacity_max": ((int, float), 16),
    "pause_seconds": (int, 1800),
    "backup_days": (int, 14),
    "proxy": (bool, True),
    "replica": (bool, False),
    "internet": (bool, True),
    "connections_max": (int, 200),
    "ca_file": (str, ""),
}
OWN = {
    "kind": (str, "own"),
    "url_variable": (str, "ONSALE_DATABASE_URL"),
    "replica_url_variable": (str, ""),
    "ca_file": (str, ""),
    "subnet_ids": (list, []),
    "security_group_ids": (list, []),
}


@dataclass
class Stage:
    """A stage: everything that differs between one shop and another."""

    name: str
    path: Path
    values: dict
    database: dict = field(default_factory=dict)

    def __getattr__(self, name: str):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def prefix(self) -> str:
        return f"onsale-{self.name}"

    @property
    def is_aurora(self) -> bool:
        return self.database["kind"] == "aurora"

    def public_url(self, api_url: str) -> str:
        return f"https://{self.domain}" if self.domain else api_url

    def ca_text(self) -> str:
        """The authority of the database's certificate, as one line."""
        if not self.database["ca_file"]:
            return ""
        path = self.path.parent / self.database["ca_file"]
        try:
            return path.read_text().strip().replace("\n", "\\n")
        except OSError as error:
            raise Refused(f"{self.path}: ca_file {path} cannot be read: {error.strerror}.") from None

    def own_url(self, which: str = "url_variable") -> str:
        """The address of a database that is not ours, from the environment: it contains a password."""
        variable = self.database[which]
        if not variable:
            return ""
        url = os.environ.get(variable, "")
        if not url.startswith(("postgres://", "postgresql://")):
            raise Refused(f"{variable} has to be set to the address of the database: postgres://user:password@host/name.")
        return url


def _read(table: dict, known: dict, where: str) -> dict:
    values, problems = {}, []
    for name in table.keys() - known.keys():
        problems.append(f"{name} is not known here; known are {', '.join(sorted(known))}")
    for name, (kind, default) in known.items():
        value = table.get(name, default)
        if value is ...:
            problems.append(f"{name} is missing")
        elif not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            word = getattr(kind, "__name__", "number")
            problems.append(f"{name} has the wrong type: it is a {word}")
        values[name] = value
    if problems:
        raise Refused(f"{where}:\n" + "\n".join(f"  {problem}" for problem in sorted(problems)))
    return values


def load(name: str, path: Path | None = None) -> Stage:
    """Reads and checks the file of a stage."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,15}", name):
        raise Refused(f"`{name}` is no name of a stage: a letter, then at most 15 letters, digits and hyphens, all small.")
    path = path or FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise Refused(f"There is no {path}. Copy {FOLDER / 'example.toml'} to it and fill it in. Stages here: {known}.")
    try:
        table = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path} is not TOML: {error}.") from None
    values = _read(table, TOP, str(path))
    kind = values["database"].get("kind", "aurora")
    if kind not in ("aurora", "own"):
        raise Refused(f'{path}: database.kind is "aurora" or "own".')
    database = _read(values.pop("database"), AURORA if kind == "aurora" else OWN, f"{path}, [database]")
    stage = Stage(name, path, values, database)
    _check(stage)
    return stage


def _check(stage: Stage) -> None:
    problems = []
    if stage.architecture not in ("arm64", "x86_64"):
        problems.append('architecture is "arm64" or "x86_64"')
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", stage.mail_from):
        problems.append("mail_from is an address such as tickets@example.org")
    if stage.domain and not re.fullmatch(r"[a-z0-9.-]+\.[a-z]+", stage.domain):
        problems.append("domain is a name such as tickets.example.org, without https://")
    if bool(stage.domain) != bool(stage.certificate_arn):
        problems.append("domain and certificate_arn come together")
    if stage.certificate_arn and ":us-east-1:" not in stage.certificate_arn:
        problems.append("certificate_arn: CloudFront takes certificates of us-east-1 only")
    for name in ("mails_per_second", "requests_per_second", "requests_burst", "receives_max"):
        if stage.values[name] < 1:
            problems.append(f"{name} is at least 1")
    if stage.is_aurora and not stage.database["ca_file"] and (not stage.database["proxy"] or stage.database["replica"]):
        problems.append("database.ca_file: without proxy, and for a replica, functions check the certificate of Aurora itself; "
                        "name a PEM file with the root certificate of RDS in this region")
    if problems:
        raise Refused(f"{stage.path}:\n" + "\n".join(f"  {problem}" for problem in problems))
