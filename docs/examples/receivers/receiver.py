"""A receiver of http.call in Python: believes what is signed, does each slot's work once, and answers in time.

Needs `pip install standardwebhooks`. SECRET is the `secret` of the schedule's params.
"""

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

WEBHOOK = Webhook(os.environ["SECRET"])
DONE = os.environ.get("DONE", "done.sqlite3")


def work(job):
    """What a slot is for; it may fail, and is then called again with the same webhook-id."""
    print("working on", json.dumps(job), flush=True)


def handle(headers, body):
    """The status to answer: 401 what is not signed, 200 what was done, 500 what should be tried again."""
    try:
        job = WEBHOOK.verify(body, headers)
    except WebhookVerificationError:
        return 401
    with sqlite3.connect(DONE, timeout=30) as db:
        db.execute("create table if not exists done (id text primary key)")
        # The row and the work are one transaction: a second call waits for the first, and a failure leaves no row.
        db.execute("begin immediate")
        if db.execute("select 1 from done where id = ?", (headers["webhook-id"],)).fetchone():
            return 200
        work(job)
        db.execute("insert into done values (?)", (headers["webhook-id"],))
    return 200


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            status = handle({name.lower(): value for name, value in self.headers.items()}, body)
        except Exception as error:
            print("failed:", error, flush=True)
            status = 500
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()
