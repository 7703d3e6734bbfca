"""moto's server, made strict where AWS is: takes moto_server's arguments.

* A key that is not Active is refused, as one that is not there.
* A policy statement whose condition does not hold says nothing, instead of denying. Conditions know of nothing but
  `aws:TokenIssueTime`, which access keys of users do not have.
* A version of a secret that gets `AWSCURRENT` is the one that the next write replaces.
"""

import sys

from moto.iam import access_control
from moto.secretsmanager.models import SecretsManagerBackend
from moto.server import main

KEY = access_control.IAMUserAccessKey
STATEMENT = access_control.IAMPolicyStatement

key_init = KEY.__init__
permitted = STATEMENT.is_action_permitted
moved = SecretsManagerBackend.update_secret_version_stage


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


def update_secret_version_stage(
    self, secret_id, version_stage, remove_from_version_id, move_to_version_id
):
    done = moved(self, secret_id, version_stage, remove_from_version_id, move_to_version_id)
    if version_stage == "AWSCURRENT" and move_to_version_id:
        self.secrets[secret_id].set_default_version_id(move_to_version_id)
    return done


KEY.__init__ = init
SecretsManagerBackend.update_secret_version_stage = update_secret_version_stage
STATEMENT.is_action_permitted = is_action_permitted

main(sys.argv[1:])
