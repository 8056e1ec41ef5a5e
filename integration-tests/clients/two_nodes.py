"""Works with two nodes of one cluster through the Python client of A2A, by every binding.

    python two_nodes.py URL_OF_A URL_OF_B

What begins on node A is watched, continued, configured and cancelled on node B. Prints a line per check; the exit code
says whether all of them held.
"""

import asyncio
import http.server
import json
import queue
import sys
import threading
import uuid

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import new_text_message
from a2a.types import a2a_pb2 as pb
from a2a.utils.errors import TaskNotCancelableError, TaskNotFoundError, UnsupportedOperationError

CHUNKS = 20
PATIENCE = 30


class Checks:
    """What was checked, and what of it did not hold."""

    def __init__(self):
        self.failed = 0
        self.passed = 0

    def __call__(self, binding, what, holds, seen=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'}  {binding:9}  {what}" + ("" if holds else f": {seen!r}"), flush=True)


class Webhook:
    """A server on this machine that keeps what is posted to it."""

    def __init__(self):
        posted = self.posted = queue.Queue()

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.put((self.headers.get("X-A2A-Notification-Token"), json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/hook"

    async def until(self, wanted):
        """Waits for a posting that is wanted, and tells whether one came."""
        def look():
            try:
                while not wanted(*self.posted.get(timeout=PATIENCE / 2)):
                    pass
                return True
            except queue.Empty:
                return False
        return await asyncio.to_thread(look)


def saying(text, **where):
    return pb.SendMessageRequest(message=new_text_message(text, role=pb.Role.ROLE_USER, **where))


def numbers(parts):
    return [int(part.text.split("|")[0]) for part in parts]


def heard(events):
    """The numbers of all chunks of a stream, those of the task that it began with included."""
    found = []
    for event in events:
        if event.HasField("task"):
            found += [n for artifact in event.task.artifacts for n in numbers(artifact.parts)]
        elif event.HasField("artifact_update"):
            found += numbers(event.artifact_update.artifact.parts)
    return found


def state(event):
    return event.task.status.state if event.HasField("task") else event.status_update.status.state


async def all_of(stream):
    return [event async for event in stream]


async def refusal(call):
    try:
        await call
    except Exception as error:  # whatever it is, the check names it
        return error
    return None


async def connect(url, binding, streaming=True):
    async with httpx.AsyncClient(trust_env=False) as client:
        card = await A2ACardResolver(client, url).get_agent_card()
    own = httpx.AsyncClient(trust_env=False, timeout=PATIENCE)
    config = ClientConfig(httpx_client=own, streaming=streaming, supported_protocol_bindings=[binding])
    if binding == "GRPC":
        import grpc
        config.grpc_channel_factory = grpc.aio.insecure_channel
    return ClientFactory(config).create(card)


async def sending(check, binding, urls):
    a = await connect(urls[0], binding, streaming=False)
    b = await connect(urls[1], binding, streaming=False)
    [answer] = await all_of(a.send_message(saying("echo hello")))
    check(binding, "a send is answered with the finished task", state(answer) == pb.TASK_STATE_COMPLETED, answer)
    [answer] = await all_of(a.send_message(saying("ask")))
    asked = answer.task
    check(binding, "a question parks its task", state(answer) == pb.TASK_STATE_INPUT_REQUIRED, answer)
    [answer] = await all_of(b.send_message(saying("forty-two", task_id=asked.id, context_id=asked.context_id)))
    text = [part.text for artifact in answer.task.artifacts for part in artifact.parts]
    check(binding, "the other node takes the answer", text == ["forty-two"], answer)
    error = await refusal(b.get_task(pb.GetTaskRequest(id=str(uuid.uuid4()))))
    check(binding, "an unknown task is not found", isinstance(error, TaskNotFoundError), error)


async def streaming(check, binding, urls):
    a, b = await connect(urls[0], binding), await connect(urls[1], binding)
    told = a.send_message(saying(f"stream {CHUNKS} 30"))
    first = await anext(told)
    task = first.task
    check(binding, "a stream begins with its task", task.id, first)
    here, there = await asyncio.gather(all_of(told), all_of(b.subscribe(pb.SubscribeToTaskRequest(id=task.id))))
    whole = list(range(1, CHUNKS + 1))
    check(binding, "the stream of the node that runs the task is whole", heard([first, *here]) == whole, here)
    check(binding, "the stream of the other node begins with the task", there[0].HasField("task"), there[0])
    check(binding, "the stream of the other node is whole", heard(there) == whole, heard(there))
    check(binding, "both end with the task", {state(here[-1]), state(there[-1])} == {pb.TASK_STATE_COMPLETED})

    got = await b.get_task(pb.GetTaskRequest(id=task.id))
    check(binding, "the other node has the task", numbers(got.artifacts[0].parts) == whole, got)
    page = await b.list_tasks(pb.ListTasksRequest(context_id=task.context_id, include_artifacts=True))
    check(binding, "the other node lists the task", [one.id for one in page.tasks] == [task.id], page)
    error = await refusal(b.cancel_task(pb.CancelTaskRequest(id=task.id)))
    check(binding, "a finished task cannot be cancelled", isinstance(error, TaskNotCancelableError), error)
    error = await refusal(all_of(b.subscribe(pb.SubscribeToTaskRequest(id=task.id))))
    check(binding, "a finished task has no stream", isinstance(error, UnsupportedOperationError), error)


async def cancelling(check, binding, urls, webhook):
    a, b = await connect(urls[0], binding), await connect(urls[1], binding)
    told = a.send_message(saying("wait 3600"))
    task = (await anext(told)).task
    config = pb.TaskPushNotificationConfig(task_id=task.id, id="mine", url=webhook.url, token="secret")
    made = await b.create_task_push_notification_config(config)
    check(binding, "the other node takes a webhook", (made.task_id, made.id, made.url) == (task.id, "mine", webhook.url), made)
    got = await a.get_task_push_notification_config(pb.GetTaskPushNotificationConfigRequest(task_id=task.id, id="mine"))
    check(binding, "the node that runs the task has the webhook", got.url == webhook.url, got)
    spare = pb.TaskPushNotificationConfig(task_id=task.id, id="spare", url=webhook.url)
    await a.create_task_push_notification_config(spare)
    await b.delete_task_push_notification_config(
        pb.DeleteTaskPushNotificationConfigRequest(task_id=task.id, id="spare")
    )
    listed = await a.list_task_push_notification_configs(pb.ListTaskPushNotificationConfigsRequest(task_id=task.id))
    check(binding, "a webhook deleted there is gone here", [one.id for one in listed.configs] == ["mine"], listed)

    ended = await b.cancel_task(pb.CancelTaskRequest(id=task.id))
    check(binding, "the other node cancels the task", ended.status.state == pb.TASK_STATE_CANCELED, ended)
    rest = await all_of(told)
    check(binding, "the stream ends with that", state(rest[-1]) == pb.TASK_STATE_CANCELED, rest)

    # Whoever delivers may not have heard yet that the spare one is gone: what has no token is of no interest.
    def tells(token, body):
        update = body.get("statusUpdate", {})
        about = token == "secret" and update.get("taskId") == task.id
        return about and update["status"]["state"] == "TASK_STATE_CANCELED"
    check(binding, "the webhook is told, with its token", await webhook.until(tells))


async def main(urls):
    check, webhook = Checks(), Webhook()
    for binding in ["JSONRPC", "HTTP+JSON", "GRPC"]:
        for part in [sending(check, binding, urls), streaming(check, binding, urls), cancelling(check, binding, urls, webhook)]:
            try:
                await asyncio.wait_for(part, PATIENCE)
            except Exception as error:  # the checks after it are missing, which counts as a failure
                check(binding, f"{part.__name__} does not break", False, error)
    print(f"{check.passed} held, {check.failed} did not")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:3])))
