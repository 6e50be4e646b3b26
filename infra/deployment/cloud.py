"""Clients of AWS, and what they say when something is wrong."""

import os
from functools import cache

from .say import Refused

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError, ProfileNotFound
except ImportError:
    raise SystemExit("infra/deploy needs boto3: python3 -m pip install -r infra/requirements.txt") from None

__all__ = ["BotoCoreError", "ClientError", "Cloud", "code"]


def code(error: "ClientError") -> str:
    """The name of an error of AWS."""
    return error.response.get("Error", {}).get("Code", "")


class Cloud:
    """An account in a region, or an emulator."""

    def __init__(self, region: str, endpoint_url: str | None):
        self.region = region
        self.endpoint_url = endpoint_url
        if endpoint_url and not (os.environ.get("AWS_ACCESS_KEY_ID") or os.environ.get("AWS_PROFILE")):
            # Emulators take any key; a key of a real account has no business there.
            os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "test"
        try:
            self.session = boto3.Session(region_name=region)
        except ProfileNotFound as error:
            raise Refused(f"{error}. Check AWS_PROFILE.") from None
        if region not in self.session.get_available_regions("lambda") and not endpoint_url:
            raise Refused(f"`{region}` is no region of AWS. Check `region` in the stage's file.")

    @cache
    def client(self, service: str):
        config = Config(retries={"mode": "standard", "max_attempts": 6}, connect_timeout=10, read_timeout=660)
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)

    @cache
    def account(self) -> str:
        """The number of the account. Fails with advice if there is none."""
        try:
            return self.client("sts").get_caller_identity()["Account"]
        except NoCredentialsError:
            raise Refused("There are no AWS credentials. Run `aws configure sso` and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.") from None
        except NoRegionError:
            raise Refused("There is no region. Set `region` in the stage's file.") from None
        except EndpointConnectionError as error:
            raise Refused(f"{error}. Does the emulator run, and is --endpoint-url right?") from None
        except ClientError as error:
            raise Refused(f"AWS does not take these credentials ({code(error)}): {error}. Log in again, and check the clock of this machine.") from None
