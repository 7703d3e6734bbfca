"""AWS's own client, asked in lines of JSON on stdin: one request, one answer. Values pass by neither argv nor environment."""

import json
import sys

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=20, parameter_validation=True
)
session = botocore.session.Session()
clients = {}


def client(request):
    key = request["key"]
    name = (request["service"], request["url"], key["id"], key["secret"], key.get("token"))
    if name not in clients:
        clients[name] = session.create_client(
            request["service"],
            region_name="us-east-1",
            endpoint_url=request["url"],
            aws_access_key_id=key["id"],
            aws_secret_access_key=key["secret"],
            aws_session_token=key.get("token"),
            config=CONFIG,
        )
    return clients[name]


def answer(request):
    try:
        reply = client(request)._make_api_call(request["operation"], request["parameters"])
        reply.pop("ResponseMetadata", None)
        return {"reply": reply}
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"code": error.response["Error"]["Code"], "status": status}
    except BotoCoreError as error:
        return {"code": type(error).__name__, "status": 0}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)), default=str), flush=True)
