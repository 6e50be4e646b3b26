"""The words of the command line."""

import argparse
import os
import sys
from pathlib import Path

from .say import Refused

USAGE = """infra/deploy STAGE [options]                 build and deploy everything
infra/deploy STAGE --plan                    tell what would change
infra/deploy STAGE status                    stacks, release, queues
infra/deploy STAGE logs FUNCTION [--follow]  what a function said
infra/deploy STAGE redrive QUEUE             give dead letters back to their worker
infra/deploy STAGE rollback [RELEASE]        let an earlier release serve
infra/deploy STAGE destroy --yes             remove the stage; files and a snapshot of the database stay
infra/deploy STAGE sizes                     zipped sizes of the built functions"""


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra/deploy", usage=USAGE)
    parser.add_argument("stage", help="a file of infra/stages, without .toml")
    parser.add_argument("command", nargs="?", default="deploy", choices=["deploy", "status", "logs", "redrive", "rollback", "destroy", "sizes"])
    parser.add_argument("what", nargs="?", help="function, queue or release")
    parser.add_argument("--plan", action="store_true", help="change nothing")
    parser.add_argument("--file", type=Path, help="the stage's parameters, if they are not in infra/stages")
    parser.add_argument("--endpoint-url", default=os.environ.get("AWS_ENDPOINT_URL"), help="an emulator (or AWS_ENDPOINT_URL)")
    parser.add_argument("--built", type=Path, metavar="FOLDER", help="functions that are built already, as FOLDER/FUNCTION/bootstrap")
    parser.add_argument("--follow", action="store_true", help="logs: go on as lines come")
    parser.add_argument("--minutes", type=int, default=15, help="logs: how far back")
    parser.add_argument("--yes", action="store_true", help="destroy: really")
    parser.add_argument("--with-files", action="store_true", help="destroy: tickets and exports as well")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    arguments = parse(words)
    try:
        return _run(arguments)
    except Refused as refused:
        print(f"\n{refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again to go on; what served before serves still.", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    # After the arguments: help needs no tools.
    from . import looking, stage as stages
    from .cloud import BotoCoreError, ClientError, Cloud
    from .deploying import Deployment

    stage = stages.load(arguments.stage, arguments.file)
    cloud = Cloud(stage.region, arguments.endpoint_url)
    target = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[2] / "target"))
    deployment = Deployment(cloud, stage, arguments.built or target / "lambda")
    try:
        match arguments.command, arguments.what:
            case "deploy", None if arguments.plan:
                deployment.plan()
            case "deploy", None:
                deployment.deploy(builds=arguments.built is None)
            case "status", None:
                cloud.account()
                looking.status(deployment)
            case "logs", str(name):
                looking.logs(deployment, name, arguments.minutes, arguments.follow)
            case "redrive", str(name):
                looking.redrive(deployment, name)
            case "rollback", number if number is None or number.isdigit():
                deployment.rollback(int(number) if number else None)
            case "destroy", None if arguments.yes:
                cloud.account()
                deployment.destroy(arguments.with_files)
            case "destroy", None:
                raise Refused(f"This removes {stage.prefix} from account {cloud.account()}. Say --yes if you mean it.")
            case "sizes", None:
                looking.sizes(deployment)
            case _:
                raise Refused(f"This is not understood.\n{USAGE}")
    except (ClientError, BotoCoreError) as error:
        raise Refused(f"AWS refused: {error}") from None
    return 0
