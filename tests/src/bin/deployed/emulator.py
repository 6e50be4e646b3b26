"""Starts MiniStack with the names of rights that AWS has: a batch needs the right for one message, and there is no right
called sqs:SendMessageBatch. What SES asks (the sender's address) is not known to it, so mails are not checked."""

import runpy

from ministack.core import iam_actions

asked = iam_actions.extract_iam_action


def as_in_aws(service, *request):
    action = asked(service, *request)
    if action and action.startswith("sqs:"):
        return action.removesuffix("Batch")
    return None if action == "ses:SendEmail" else action


iam_actions.extract_iam_action = as_in_aws
runpy.run_module("ministack", run_name="__main__")
