"""moto's server, made strict where AWS is: takes moto_server's arguments.

* A key that is not Active is refused, as one that is not there.
* A policy statement whose condition does not hold says nothing, instead of denying. Conditions know of nothing but
  `aws:TokenIssueTime`, which access keys of users do not have.
"""

import sys

from moto.iam import access_control
from moto.server import main

KEY = access_control.IAMUserAccessKey
STATEMENT = access_control.IAMPolicyStatement

key_init = KEY.__init__
permitted = STATEMENT.is_action_permitted


def init(self, account_id, partition, access_key_id, headers):
    key_init(self, account_id, partition, access_key_id, headers)
    for user in self.backend.list_users("/", None, None):
        for key in user.access_keys:
            if key.access_key_id == access_key_id and key.status != "Active":
                raise access_control.CreateAccessKeyFailure(reason="InvalidId")


def is_action_permitted(self, action, resource="*", principal=None, values=None):
    if principal is None and self._statement.get("Condition"):
        return access_control.PermissionResult.NEUTRAL
    return permitted(self, action, resource, principal, values)


KEY.__init__ = init
STATEMENT.is_action_permitted = is_action_permitted

main(sys.argv[1:])
