"""The least that reading a bucket needs, as a policy to attach to a user or role."""

import json

from dmarcwatch.collect.sources import S3Source, Settle


def iam_policy(source: S3Source) -> str:
    """An IAM policy document, indented, for what `source` does and nothing more.

    What the configuration does not tell stands as a word in capitals, to be filled in.
    """
    bucket = f"arn:aws:s3:::{source.bucket or 'BUCKET'}"
    actions = ["s3:GetObject"]
    if source.settle in {Settle.MOVE, Settle.DELETE}:
        actions.append("s3:DeleteObject")
    statements = [
        {
            "Sid": "ListReports",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": f"{source.prefix}*"}},
        },
        {
            "Sid": "ReadReports",
            "Effect": "Allow",
            "Action": actions,
            "Resource": f"{bucket}/{source.prefix}*",
        },
    ]
    if source.settle is Settle.MOVE:
        moved = f"{bucket}/{source.done}*"
        statements.append(
            {"Sid": "KeepReports", "Effect": "Allow", "Action": "s3:PutObject", "Resource": moved}
        )
    if source.queue is not None:
        actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        queue = _queue_arn(source)
        statements.append({"Sid": "ReadQueue", "Effect": "Allow", "Action": actions, "Resource": queue})
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _queue_arn(source: S3Source) -> str:
    *_, account, name = (source.queue or "").rstrip("/").split("/")
    return f"arn:aws:sqs:{source.region or 'REGION'}:{account or 'ACCOUNT'}:{name}"


KMS_STATEMENT = """\
Where the bucket or the receipt rule encrypts with a key of your own, add this as well:
  {"Sid": "DecryptReports", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "ARN-OF-THE-KEY"}
"""
"""To print below the policy: whether a key is needed cannot be told from the configuration."""
