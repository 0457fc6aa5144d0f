"""A login at the collector's HTTP API, as a script has it."""
import http.cookiejar
import json
import urllib.error
import urllib.request


class Api:
    def __init__(self, base):
        self.base = base
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # No proxy: the collector is on this machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)

    def get(self, path):
        with self.opener.open(self.base + path, timeout=30) as reply:
            return json.load(reply)

    def login(self, name, password):
        body = json.dumps({"name": name, "password": password}).encode()
        request = urllib.request.Request(self.base + "/api/1/login", body,
                                         {"Content-Type": "application/json"})
        with self.opener.open(request, timeout=30) as reply:
            return json.load(reply)

    def answers(self):
        try:
            return self.get("/healthz").get("status") == "ok"
        except (OSError, ValueError):
            return False
