"""An AWS account as botocore's own models describe it: real clients whose answers a test writes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DENIED = "AccessDeniedException"
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
HEALTHY = {
    "ProductionAccessEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendingEnabled": True,
    "VdmAttributes": {"VdmEnabled": "DISABLED"},
}
Answer = dict[str, Any] | str
"""A response, or the code of an error."""


def identity(**changes: Any) -> dict[str, Any]:
    """A domain that is set up well: signed, with a MAIL FROM of its own."""
    return {
        "VerifiedForSendingStatus": True,
        "FeedbackForwardingStatus": True,
        "DkimAttributes": dkim(),
        "MailFromAttributes": mail_from(),
        "ConfigurationSetName": "default",
    } | changes


def dkim(
    status: str = "SUCCESS", *, signing: bool = True, tokens: tuple[str, ...] = (TOKEN,)
) -> dict[str, Any]:
    return {"SigningEnabled": signing, "Status": status, "Tokens": list(tokens)}


def mail_from(status: str = "SUCCESS", domain: str = "bounce.example.com") -> dict[str, Any]:
    return {
        "MailFromDomain": domain,
        "MailFromDomainStatus": status,
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
    }


class Aws:
    """Regions with what each of them answers; one that is not named has no identities."""

    def __init__(self) -> None:
        self._stubs: dict[tuple[str, str], Stubber] = {}
        self._session = boto3.Session("AKIDEXAMPLE", "secret")

    def __call__(self, service: str, region: str) -> Any:
        """The client, as `read_account` wants it."""
        if (service, region) not in self._stubs:
            _list(self._stub("sesv2", region), ())
        return self._stubs[service, region].client

    def region(
        self,
        name: str,
        identities: dict[str, Answer],
        *,
        listed: Sequence[str] | str | None = None,
        account: Answer = HEALTHY,
        destinations: Answer | None = None,
        dedicated: Sequence[str] | str = (),
        rates: tuple[float | None, float | None] | str = (0.01, 0.0001),
        advice: Sequence[dict[str, Any]] | str = (),
    ) -> "Aws":
        """What one region answers, in the order in which it is asked about `identities`.

        `listed` are the names it lists, where they are others, or the code of an error.
        """
        ses = self._stub("sesv2", name)
        _list(ses, tuple(identities) if listed is None else listed)
        for each, answer in identities.items():
            _add(ses, "get_email_identity", answer, {"EmailIdentity": each})
        _add(ses, "get_account", account)
        if any(isinstance(each, dict) and each.get("ConfigurationSetName") for each in identities.values()):
            _add(ses, "get_configuration_set_event_destinations", destinations or EVENTS)
        pool = dedicated if isinstance(dedicated, str) else _pool(dedicated)
        _add(ses, "get_dedicated_ips", pool)
        if isinstance(account, dict) and account["VdmAttributes"]["VdmEnabled"] == "ENABLED":
            found = advice if isinstance(advice, str) else {"Recommendations": list(advice)}
            _add(ses, "list_recommendations", found, {"Filter": {"STATUS": "OPEN"}, "PageSize": 100})
        metrics = rates if isinstance(rates, str) else _rates(rates)
        _add(self._stub("cloudwatch", name), "get_metric_data", metrics)
        return self

    def assert_all_was_asked(self) -> None:
        """Every answer was fetched, so the region was asked all that the test wrote down."""
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()

    def _stub(self, service: str, region: str) -> Stubber:
        stub = Stubber(self._session.client(service, region_name=region))
        stub.activate()
        self._stubs[service, region] = stub
        return stub


def _list(ses: Stubber, names: Sequence[str] | str) -> None:
    if isinstance(names, str):
        ses.add_client_error("list_email_identities", names)
        return
    found = [{"IdentityName": each, "SendingEnabled": True} for each in names]
    half = (len(found) + 1) // 2  # in two pages, as long lists come
    first = {"EmailIdentities": found[:half], "NextToken": "more"}
    ses.add_response("list_email_identities", first, {"PageSize": 1000})
    rest = {"EmailIdentities": found[half:]}
    ses.add_response("list_email_identities", rest, {"PageSize": 1000, "NextToken": "more"})


def _pool(addresses: Sequence[str]) -> dict[str, Any]:
    state = {"WarmupStatus": "DONE", "WarmupPercentage": 100}
    return {"DedicatedIps": [state | {"Ip": ip} for ip in addresses]}


EVENTS = {
    "EventDestinations": [
        {"Name": "topic", "Enabled": True, "MatchingEventTypes": ["BOUNCE"]},
        {"Name": "old", "Enabled": False, "MatchingEventTypes": ["BOUNCE"]},
    ]
}


def _rates(rates: tuple[float | None, float | None]) -> dict[str, Any]:
    return {
        "MetricDataResults": [
            {"Id": name, "Values": [] if share is None else [share, 0.9]}
            for name, share in zip(("bounce", "complaint"), rates, strict=True)
        ]
    }


def _add(stub: Stubber, call: str, answer: Answer, expected: dict[str, Any] | None = None) -> None:
    if isinstance(answer, str):
        stub.add_client_error(call, answer)
    else:
        stub.add_response(call, answer, expected)
