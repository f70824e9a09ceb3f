"""A client as thin as can be, so that the server is what is measured: signed before the clock runs, one connection."""

import http.client
import time
from urllib.parse import urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Speaker:
    """Speaks to one server, keeping its connection as long as the server does."""

    def __init__(self, endpoint: str, access_key_id: str, secret: str) -> None:
        self._endpoint = endpoint
        self._credentials = Credentials(access_key_id, secret)
        parts = urlsplit(endpoint)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def ask(self, action: str, **parameters: str) -> tuple[float, bytes]:
        """One call of ElastiCache: seconds, and the answer, which must be a success."""
        body = urlencode({"Action": action, "Version": "2015-02-02", **parameters}).encode()
        request = AWSRequest("POST", f"{self._endpoint}/", headers={"Content-Type": _FORM}, data=body)
        SigV4Auth(self._credentials, "elasticache", "us-east-1").add_auth(request)
        headers = dict(request.headers)
        if self._connection.sock is None:
            self._connection.connect()
        begin = time.perf_counter()
        self._connection.request("POST", "/", body=body, headers=headers)
        response = self._connection.getresponse()
        answer = response.read()
        took = time.perf_counter() - begin
        assert response.status == 200, answer
        return took, answer

    def close(self) -> None:
        self._connection.close()
