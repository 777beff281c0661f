"""A witness over HTTP: `POST /add-checkpoint`, nothing else.

It speaks to one log or a few, once per checkpoint, so a thread a connection is enough. Bodies are
bounded, and a connection that is silent for long is dropped. There is no authentication beyond the
log's own signature, as C2SP tlog-witness has it; transport security is a proxy's business.
"""

import logging
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from audit.errors import AuditError
from audit.witness import REQUEST_BYTES_MAX, Witness, WitnessAnswer

_PATH = "/add-checkpoint"
_SILENCE_S = 20.0
_logger = logging.getLogger(__name__)


class WitnessServer(ThreadingHTTPServer):
    """Listens for requests; `serve_forever` answers them."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        """Bind the address.

        Raises:
            OSError: It cannot be bound.
        """
        self.witness = witness
        super().__init__(address, WitnessHandler)


class WitnessHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_S
    server: WitnessServer

    def do_POST(self) -> None:
        """Answer a request."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length[:9]) > REQUEST_BYTES_MAX:
            # The body was not read, so the connection cannot go on.
            self.close_connection = True
            self._answer(
                WitnessAnswer(
                    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, body="expected a bounded body\n"
                )
            )
            return
        body = self.rfile.read(int(length))
        if self.path != _PATH:
            self._answer(WitnessAnswer(status=HTTPStatus.NOT_FOUND, body=f"expected {_PATH}\n"))
            return
        try:
            answer = self.server.witness.add_checkpoint(body)
        except AuditError as error:
            _logger.exception("witness_failed")
            answer = WitnessAnswer(status=HTTPStatus.INTERNAL_SERVER_ERROR, body=f"{error.code}\n")
        self._answer(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the standard error; the log has it."""
        _logger.info("witness_request", extra={"request": format % args})

    def _answer(self, answer: WitnessAnswer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
