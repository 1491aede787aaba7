"""In place of a pager: prints what the webhooks of alertmanager.example.yaml send."""

import http.server
import json


class Pager(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in message["alerts"]:
            notes = alert["annotations"]
            print(f"{self.path} {alert['status']} {alert['labels']['alertname']}: {notes['summary']}")
            for name in ("link", "runbook_url"):
                if name in notes:
                    print(f"  {name} {notes[name]}", flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", 9099), Pager).serve_forever()
