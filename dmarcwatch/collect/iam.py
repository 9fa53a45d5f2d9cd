"""The least that reading a bucket needs, as a policy to attach to a user or role."""

import json
import re
from typing import Any

from dmarcwatch.collect.sources import S3Source, Settle


def iam_policy(source: S3Source) -> str:
    """An IAM policy document, indented, for what `source` does and nothing more.

    What the configuration does not tell stands as a word in capitals, to be filled in.
    """
    moves = source.settle is Settle.MOVE
    bucket = f"arn:{_partition(source)}:s3:::{source.bucket or 'BUCKET'}"
    # Below `done` a listing tells which names are taken; with a queue it tells what is gone from what may
    # not be read, which S3 answers alike to who may not list the whole bucket.
    listed = [f"{source.prefix}*", *([f"{source.done}*"] if moves else [])]
    within = {"StringLike": {"s3:prefix": listed if moves else listed[0]}}
    # HeadObject is s3:GetObject as well, and CopyObject reads with it.
    read = ["s3:GetObject", *(["s3:DeleteObject"] if source.settle is not Settle.NOTHING else [])]
    statements = [
        _allow("ListReports", "s3:ListBucket", bucket) | {"Condition": within},
        _allow("ReadReports", read, f"{bucket}/{source.prefix}*"),
    ]
    if moves:
        statements.append(_allow("KeepReports", "s3:PutObject", f"{bucket}/{source.done}*"))
    if source.queue is not None:
        actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        if source.queue.endswith(".fifo"):
            actions.append("sqs:GetQueueAttributes")
        statements.append(_allow("ReadQueue", actions, _queue_arn(source)))
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _allow(sid: str, actions: str | list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _queue_arn(source: S3Source) -> str:
    *_, account, name = (source.queue or "").rstrip("/").split("/")
    region = _queue_region(source) or source.region or "REGION"
    return f"arn:{_partition(source)}:sqs:{region}:{account or 'ACCOUNT'}:{name}"


def _queue_region(source: S3Source) -> str | None:
    """As the queue's URL says; it need not be the bucket's."""
    found = re.match(r"https://(?:sqs|queue)\.([a-z0-9-]+)\.", source.queue or "")
    return found[1] if found and "-" in found[1] else None


def _partition(source: S3Source) -> str:
    """Amazon's clouds in China and for the US government have names of their own."""
    region = source.region or _queue_region(source) or ""
    partitions = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for start, name in partitions.items() if region.startswith(start)), "aws")


KMS_STATEMENT = """\
Where the bucket, the receipt rule or the queue encrypts with a key of your own, add this as well:
  {"Sid": "DecryptReports", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "ARN-OF-THE-KEY"}
To move objects (settle = "move") in such a bucket, allow "kms:GenerateDataKey" with that key, too; to move
objects that have tags, "s3:GetObjectTagging" below `prefix` and "s3:PutObjectTagging" below `done`.
"""
"""To print below the policy: whether these are needed cannot be told from the configuration."""
