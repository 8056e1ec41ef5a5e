"""Applies a CloudFormation template at an emulator of its own, with the parameters that the arguments name as NAME=VALUE.

Prints one line of JSON: where the emulator is, the stack's state, why what failed has failed, and its outputs. The emulator lives
until standard input ends."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import botocore.session
from botocore.exceptions import ClientError

# The emulator ends with this program, however this ends.
EMULATOR = """
import os, runpy, sys, threading
def leave_with_parent():
    while os.read(0, 1):
        pass
    os._exit(0)
threading.Thread(target=leave_with_parent, daemon=True).start()
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
"""
SERVICES = "dynamodb,sns,sqs,iam,sts,cloudformation"
ACCOUNT = "123456789012"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serves(url, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url + "/_ministack/health", timeout=1)
            return True
        except OSError:
            time.sleep(0.05)
    return False


def apply(cloudformation, template, parameters):
    named = {"StackName": "stack"}
    pairs = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    capabilities = ["CAPABILITY_NAMED_IAM"]
    try:
        cloudformation.create_stack(**named, TemplateBody=template, Parameters=pairs, Capabilities=capabilities)
    except ClientError as refused:
        return {"state": "REFUSED", "why": [str(refused)], "outputs": {}}
    deadline = time.monotonic() + 60
    while True:
        stack = cloudformation.describe_stacks(**named)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    events = cloudformation.describe_stack_events(**named)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return {
        "state": stack["StackStatus"],
        "why": [event["LogicalResourceId"] + ": " + event.get("ResourceStatusReason", "") for event in failed],
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
    }


def main():
    path, *arguments = sys.argv[1:]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "SERVICES": SERVICES, "LOG_LEVEL": "ERROR"}
    environment = {**os.environ, **settings}
    command = [sys.executable, "-c", EMULATOR]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=sys.stderr) as server:
        if not serves(url, server):
            sys.exit("the emulator does not serve")
        session = botocore.session.Session()
        session.set_credentials(ACCOUNT, "test")
        client = session.create_client("cloudformation", region_name="us-east-1", endpoint_url=url)
        with open(path, encoding="utf-8") as file:
            told = apply(client, file.read(), dict(argument.split("=", 1) for argument in arguments))
        print(json.dumps({"url": url, "account": ACCOUNT, **told}), flush=True)
        sys.stdin.read()


main()
