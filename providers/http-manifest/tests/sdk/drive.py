"""Makes a vendor's own SDK do what keysweep does, against a server on loopback, and prints what it read.

    drive.py VENDOR BASE PRINCIPAL OLD_ID MARKER NEW_VALUE

The own credentials are `own-token` and `own-api_key`.
"""

import json
import sys

vendor, base, principal, old, marker, new = sys.argv[1:]


def cloudflare(account):
    from cloudflare import Cloudflare

    client = Cloudflare(api_token="own-token", base_url=base + "/client/v4", max_retries=0)
    owner = {"account_id": principal} if account else {}
    tokens = client.accounts.tokens if account else client.user.tokens
    listed = list(tokens.list(**owner, page=1, per_page=50).result)
    was = tokens.get(token_id=old, **owner)
    policies = [
        {
            "effect": p.effect,
            "resources": p.resources,
            "permission_groups": [{"id": g.id} for g in p.permission_groups],
        }
        for p in was.policies
    ]
    form = "%Y-%m-%dT%H:%M:%SZ"
    same = {
        "policies": policies,
        "condition": was.condition.to_dict(),
        "expires_on": was.expires_on.strftime(form),
    }
    start = was.not_before.strftime(form)
    made = tokens.create(name=marker, **same, **owner)
    fresh = Cloudflare(api_token=made.value, base_url=base + "/client/v4", max_retries=0)
    asked = (fresh.accounts.tokens if account else fresh.user.tokens).verify(**owner)
    for status in ["disabled", "active"]:
        tokens.update(
            token_id=old, name=was.name, status=status, not_before=start, **same, **owner
        )
    tokens.delete(token_id=old, **owner)
    return {
        "ids": [t.id for t in listed if t.status != "expired"],
        "markers": [t.name for t in listed if t.status != "expired"],
        "created": [t.issued_on.isoformat() for t in listed if t.status != "expired"],
        "last_used": next(t.last_used_on for t in listed if t.id == old).isoformat(),
        "id": made.id,
        "values": {"token": made.value},
        "verified": [asked.id, asked.status],
    }


def datadog(**keys):
    from datadog_api_client import ApiClient, Configuration

    configuration = Configuration(host=base, api_key=keys)
    configuration.enable_retry = False
    return ApiClient(configuration)


def datadog_api_key():
    from datadog_api_client.v1.api.authentication_api import AuthenticationApi
    from datadog_api_client.v2.api.key_management_api import KeyManagementApi
    from datadog_api_client.v2.model.api_key_create_attributes import APIKeyCreateAttributes
    from datadog_api_client.v2.model.api_key_create_data import APIKeyCreateData
    from datadog_api_client.v2.model.api_key_create_request import APIKeyCreateRequest
    from datadog_api_client.v2.model.api_keys_type import APIKeysType

    keys = KeyManagementApi(datadog(apiKeyAuth="own-api_key", appKeyAuth="own-token"))
    listed = keys.list_api_keys(page_size=100, page_number=0).data
    keys.list_api_keys(page_size=100, page_number=1)
    made = keys.create_api_key(
        APIKeyCreateRequest(
            data=APIKeyCreateData(
                type=APIKeysType.API_KEYS, attributes=APIKeyCreateAttributes(name=marker)
            )
        )
    ).data
    asked = AuthenticationApi(datadog(apiKeyAuth=made.attributes.key)).validate()
    keys.delete_api_key(old)
    return {
        "ids": [k.id for k in listed],
        "markers": [k.attributes.name for k in listed],
        "created": [k.attributes.created_at for k in listed],
        "last_used": next(k.attributes.date_last_used for k in listed if k.id == old).isoformat(),
        "id": made.id,
        "values": {"api_key": made.attributes.key},
        "verified": [asked.valid],
    }


def datadog_application_key():
    from datadog_api_client.v2.api.key_management_api import KeyManagementApi
    from datadog_api_client.v2.api.service_accounts_api import ServiceAccountsApi
    from datadog_api_client.v2.model.application_key_create_attributes import (
        ApplicationKeyCreateAttributes,
    )
    from datadog_api_client.v2.model.application_key_create_data import ApplicationKeyCreateData
    from datadog_api_client.v2.model.application_key_create_request import (
        ApplicationKeyCreateRequest,
    )
    from datadog_api_client.v2.model.application_keys_type import ApplicationKeysType

    keys = ServiceAccountsApi(datadog(apiKeyAuth="own-api_key", appKeyAuth="own-token"))
    listed = keys.list_service_account_application_keys(principal, page_size=100, page_number=0)
    was = keys.get_service_account_application_key(principal, old).data
    made = keys.create_service_account_application_key(
        principal,
        ApplicationKeyCreateRequest(
            data=ApplicationKeyCreateData(
                type=ApplicationKeysType.APPLICATION_KEYS,
                attributes=ApplicationKeyCreateAttributes(
                    name=marker, scopes=was.attributes.scopes
                ),
            )
        ),
    ).data
    fresh = datadog(apiKeyAuth="own-api_key", appKeyAuth=made.attributes.key)
    asked = KeyManagementApi(fresh).validate_api_key()
    keys.delete_service_account_application_key(principal, old)
    used = next(k.attributes.last_used_at for k in listed.data if k.id == old)
    return {
        "ids": [k.id for k in listed.data],
        "markers": [k.attributes.name for k in listed.data],
        "created": [k.attributes.created_at for k in listed.data],
        "last_used": used,
        "total": listed.meta.page.total_filtered_count,
        "id": made.id,
        "values": {"application_key": made.attributes.key},
        "verified": [str(asked.status)],
    }


def sendgrid():
    from sendgrid import SendGridAPIClient

    client = SendGridAPIClient("own-token", host=base).client
    read = lambda response: json.loads(response.body)
    listed = read(client.api_keys.get(query_params={"limit": 500}))["result"]
    was = read(client.api_keys._(old).get())["result"][0]
    made = read(client.api_keys.post(request_body={"name": marker, "scopes": was["scopes"]}))
    SendGridAPIClient(made["api_key"], host=base).client.scopes.get()
    client.api_keys._(old).delete()
    return {
        "ids": [k["api_key_id"] for k in listed],
        "markers": [k["name"] for k in listed],
        "id": made["api_key_id"],
        "values": {"api_key": made["api_key"]},
    }


def digitalocean():
    from pydo import Client

    keys = Client("own-token", endpoint=base).spaces_key
    plain = {"enforce_https": False}
    listed = keys.list(per_page=200, page=1, **plain)
    was = keys.get(old, **plain)["key"]
    made = keys.create({"name": marker, "grants": was["grants"]}, **plain)["key"]
    keys.delete(old, **plain)
    return {
        "ids": [k["access_key"] for k in listed["keys"]],
        "markers": [k["name"] for k in listed["keys"]],
        "created": [k["created_at"] for k in listed["keys"]],
        "total": listed["meta"]["total"],
        "id": made["access_key"],
        "values": {"access_key": made["access_key"], "secret_key": made["secret_key"]},
    }


run = {
    "cloudflare-account": lambda: cloudflare(True),
    "cloudflare-user": lambda: cloudflare(False),
    "datadog-api-key": datadog_api_key,
    "datadog-application-key": datadog_application_key,
    "sendgrid": sendgrid,
    "digitalocean-spaces": digitalocean,
}
print(json.dumps(run[vendor](), default=str))
