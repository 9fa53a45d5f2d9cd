"""Read-only calls to AWS, each of which may fail on its own; and the permissions they need."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from threading import Lock
from typing import Any

from dmarcwatch.text import clean

Client = Callable[[str, str], Any]
"""The client of a service (`sesv2` or `cloudwatch`) in a region; callable from several threads."""

CONNECT_SECONDS = 5
READ_SECONDS = 15
_MAX_PAGES = 100


class Action(StrEnum):
    """Every call that is made; the IAM action that permits it."""

    LIST_IDENTITIES = "ses:ListEmailIdentities"
    GET_IDENTITY = "ses:GetEmailIdentity"
    GET_ACCOUNT = "ses:GetAccount"
    GET_DESTINATIONS = "ses:GetConfigurationSetEventDestinations"
    GET_DEDICATED_IPS = "ses:GetDedicatedIps"
    LIST_RECOMMENDATIONS = "ses:ListRecommendations"
    GET_METRICS = "cloudwatch:GetMetricData"


_CALLS = {
    Action.LIST_IDENTITIES: ("sesv2", "list_email_identities"),
    Action.GET_IDENTITY: ("sesv2", "get_email_identity"),
    Action.GET_ACCOUNT: ("sesv2", "get_account"),
    Action.GET_DESTINATIONS: ("sesv2", "get_configuration_set_event_destinations"),
    Action.GET_DEDICATED_IPS: ("sesv2", "get_dedicated_ips"),
    Action.LIST_RECOMMENDATIONS: ("sesv2", "list_recommendations"),
    Action.GET_METRICS: ("cloudwatch", "get_metric_data"),
}
_ABOUT_AN_IDENTITY = (Action.GET_IDENTITY, Action.GET_DESTINATIONS)
NOT_HERE = "the region is not enabled in this account, or the credentials are wrong"
NO_ANSWER = "AWS does not answer there"
_EXPIRED = "the credentials have expired"
_BUSY = "too many requests; try again later"
_WORDS = {
    "AccessDenied": "not permitted: {action} is missing",
    "AccessDeniedException": "not permitted: {action} is missing",
    "UnauthorizedOperation": "not permitted: {action} is missing",
    "UnrecognizedClientException": NOT_HERE,
    "InvalidClientTokenId": NOT_HERE,
    "OptInRequired": NOT_HERE,
    "SubscriptionRequiredException": NOT_HERE,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "TooManyRequestsException": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "EndpointConnectionError": NO_ANSWER,
    "ConnectTimeoutError": NO_ANSWER,
    "ReadTimeoutError": NO_ANSWER,
}
"""Codes of AWS, and names of botocore's own errors."""


def policy() -> dict[str, Any]:
    """The least that `check` needs, as an IAM policy: it reads, and changes nothing."""
    one = [action for action in Action if action in _ABOUT_AN_IDENTITY]
    whole = [action for action in Action if action not in _ABOUT_AN_IDENTITY]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Account", "Effect": "Allow", "Action": [str(each) for each in whole], "Resource": "*"},
            {
                "Sid": "Identities",
                "Effect": "Allow",
                "Action": [str(each) for each in one],
                "Resource": ["arn:aws:ses:*:*:identity/*", "arn:aws:ses:*:*:configuration-set/*"],
            },
        ],
    }


class Calls:
    """Calls to one region; what a call could not tell is kept in `troubles`."""

    def __init__(self, client: Client, region: str) -> None:
        self._client = client
        self.region = region
        self.troubles: dict[Action, str] = {}

    def ask(self, action: Action, **arguments: Any) -> dict[str, Any] | None:
        """The response, empty where what it is about does not exist.

        None where nothing is known; then `troubles` says why, of several reasons the first.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        service, call = _CALLS[action]
        try:
            response: dict[str, Any] = getattr(self._client(service, self.region), call)(**arguments)
        except (BotoCoreError, ClientError) as error:
            if _code(error) == "NotFoundException":
                return {}
            self.troubles.setdefault(action, explained(error, action))
            return None
        return response

    def pages(self, action: Action, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Every page of a list; `troubles` says whether some are missing."""
        token: dict[str, str] = {}
        for _ in range(_MAX_PAGES):
            page = self.ask(action, **arguments, **token)
            if page is None:
                return
            if page:
                yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}
        self.troubles[action] = f"the list has more than {_MAX_PAGES} pages"


def explained(error: Exception, action: Action) -> str:
    """Why a call failed, in words that say what to do."""
    code = _code(error)
    if code in _WORDS:
        return _WORDS[code].format(action=action)
    return clean(f"{code}: {error}", 200)


def _code(error: Exception) -> str:
    """AWS's code, or the name of an error of botocore's own."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", "")) or type(error).__name__


def session_client() -> tuple[Client | None, str]:
    """Clients with the credentials that boto3 finds; None and the reason where there are none."""
    try:
        import boto3
    except ImportError:
        return None, "boto3 is not installed: pip install 'dmarcwatch[ses]'"
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            return None, "no AWS credentials were found"
    except BotoCoreError as error:  # such as a profile that does not exist
        return None, clean(str(error), 200)
    settings = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": 2},
    )
    making = Lock()  # boto3 makes no two clients at once
    made: dict[tuple[str, str], Any] = {}

    def client(service: str, region: str) -> Any:
        with making:
            if (service, region) not in made:
                made[service, region] = session.client(service, region_name=region, config=settings)  # type: ignore[call-overload]
            return made[service, region]

    return client, ""
