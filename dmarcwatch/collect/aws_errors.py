"""What went wrong with Amazon's services, in one sentence with a remedy."""

from typing import Any

from dmarcwatch.collect.sources import S3Source
from dmarcwatch.errors import CollectError
from dmarcwatch.text import clean

_MAX_WORDS_CHARS = 200

_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run where a role is attached."
)
RIGHTS = "Attach the policy that `dmarcwatch fetch --iam` prints to the user or role."


class Failing(CollectError):
    """A request that failed each time it was made; others may do well."""


_FAILING_CODES = {"InternalError", "ServiceUnavailable"}
_FAILING_KINDS = {
    "ReadTimeoutError",
    "ConnectionClosedError",
    "IncompleteReadError",
    "ResponseStreamingError",
    "HTTPClientError",
}
"""What may befall one answer; what is not listed befalls all: no network, no throughput left, no rights."""

# By error code: what it means, and what to do. Codes: Amazon S3 API reference, "Error responses".
_REFUSALS: dict[str, tuple[str, str]] = {
    "InvalidAccessKeyId": ("the access key id is not known there", _CREDENTIALS),
    "InvalidClientTokenId": ("the access key id is not known there", _CREDENTIALS),
    "UnrecognizedClientException": ("the access key id is not known there", _CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret access key does not belong to the access key id", _CREDENTIALS),
    "ExpiredToken": ("the session token has expired", "Sign in again, for example with `aws sso login`."),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", "Set the clock, for example with NTP."),
    "AccessDenied": ("permission is missing", RIGHTS),
    "403": ("permission is missing", RIGHTS),
    "AccessDeniedException": ("permission is missing", RIGHTS),
    "AllAccessDisabled": ("all access is disabled", "Ask the owner of the bucket."),
    "NoSuchBucket": ("there is no such bucket", "Check the bucket's name, and the account it is in."),
    "QueueDoesNotExist": ("there is no such queue", "Check the queue's URL, region and account."),
    "AWS.SimpleQueueService.NonExistentQueue": (
        "there is no such queue",
        "Check the queue's URL, region and account.",
    ),
    "PermanentRedirect": ("the bucket is in another region", "Set the source's region."),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "Set the source's region."),
    "SlowDown": ("requests are throttled even after waiting", "Set `parallel` lower, or run later."),
    "ServiceUnavailable": ("the service is not available", "Run later."),
    "InternalError": ("the service failed", "Run later."),
}

BUCKET_CODES = {"NoSuchBucket", "AllAccessDisabled", "PermanentRedirect", "AuthorizationHeaderMalformed"}
"""What is wrong with one bucket, and not with the service or with who asks."""

# By class of boto3's own errors.
_FAILURES: dict[str, tuple[str, str]] = {
    "NoCredentialsError": ("no credentials were found", _CREDENTIALS),
    "PartialCredentialsError": ("the credentials are incomplete", _CREDENTIALS),
    "CredentialRetrievalError": ("the credentials could not be fetched", _CREDENTIALS),
    "ProfileNotFound": ("the profile is not in the AWS configuration", "Check `profile` and ~/.aws/config."),
    "NoRegionError": ("no region is set", "Set the source's region, or AWS_REGION."),
    "InvalidRegionError": ("the region's name is not valid", "Set the source's region."),
    "ParamValidationError": ("the bucket's name is not valid", "Check the source's bucket."),
    "ConnectTimeoutError": ("no connection in time", "Check the network, the firewall and the endpoint."),
    "ReadTimeoutError": ("no answer in time", "Run later, or set timeout_seconds higher."),
    "IncompleteReadError": ("the connection broke in the middle of an answer", "Run later."),
    "ResponseStreamingError": ("the connection broke in the middle of an answer", "Run later."),
    "ConnectionClosedError": (
        "the connection was closed without an answer",
        "Check that the endpoint's address begins with https:// where it wants TLS.",
    ),
    "ProxyConnectionError": ("the proxy cannot be reached", "Check HTTPS_PROXY."),
}


def error_code(error: Exception) -> str:
    """The service's own code, such as `NoSuchKey`; an HTTP status where a HEAD has no body."""
    response = getattr(error, "response", None)  # only a ClientError's is what a service answered
    return str(response["Error"].get("Code", "")) if response else ""


def is_explained(code: str) -> bool:
    """Whether a code is one of those that are about more than an object."""
    return code in _REFUSALS


def is_throttling(code: str) -> bool:
    """Whether a code says that there are too many requests altogether."""
    return code in {"SlowDown", "RequestLimitExceeded"} or "Throttl" in code


def explain(source: S3Source, error: Exception) -> CollectError:
    """What a ClientError or BotoCoreError means for the user; Failing where others may do well."""
    code = error_code(error)
    if code:
        meaning, hint = _REFUSALS.get(code) or _unknown(error)
        failing = code in _FAILING_CODES or (is_failure(error) and not is_throttling(code))
        return (Failing if failing else CollectError)(f"{source.name}: {meaning} ({code})", hint=hint)
    kind = type(error).__name__
    if kind == "EndpointConnectionError":
        return _no_connection(source, error)
    if kind == "SSLError":
        return _no_tls(source, error)
    meaning, hint = _FAILURES.get(kind, (words(error), ""))
    return (Failing if kind in _FAILING_KINDS else CollectError)(f"{source.name}: {meaning}", hint=hint)


def is_failure(error: Exception) -> bool:
    """Whether the service says that it failed; boto3 says 500 as well where an answer is no XML."""
    response = getattr(error, "response", None) or {}
    status: int = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500


def _unknown(error: Exception) -> tuple[str, str]:
    """A code without a sentence of ours."""
    code = error_code(error)
    if is_throttling(code):
        return _REFUSALS["SlowDown"]
    if is_failure(error):
        return _REFUSALS["InternalError"]
    return words(error), "Look the code up in the service's documentation."


def _no_connection(source: S3Source, error: Exception) -> CollectError:
    told: dict[str, Any] = getattr(error, "kwargs", {})
    reason = str(told.get("error", ""))
    place = told.get("endpoint_url", "the service")
    if "resolve" in reason or "Name or service" in reason:
        meaning = f"the host name in {place} cannot be found"
    elif "refused" in reason:
        meaning = f"nothing listens at {place}"
    else:
        meaning = f"{place} cannot be reached"
    return CollectError(f"{source.name}: {meaning}", hint="Check region and endpoint, DNS and the network.")


def _no_tls(source: S3Source, error: Exception) -> CollectError:
    told = words(error)
    if "WRONG_VERSION_NUMBER" in told or "record layer" in told.lower():
        return CollectError(
            f"{source.name}: the endpoint speaks no TLS",
            hint="Let its address begin with http://, if it is on a network you trust.",
        )
    return CollectError(
        f"{source.name}: TLS failed: {told}",
        hint="Check the endpoint's name; for a certificate of your own authority, set AWS_CA_BUNDLE.",
    )


def words(error: Exception) -> str:
    """An error's own words, made harmless."""
    return clean(str(error), _MAX_WORDS_CHARS)
