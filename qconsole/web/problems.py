"""Answers an error as a page, a notice or JSON, with the status that says what kind it is."""

from starlette.responses import Response

from qconsole.admin.schema import error_json
from qconsole.errors import QConsoleError
from qconsole.web.visit import Visit, json_response

STATUS = {
    "filter": 400,
    "cursor": 400,
    "usage": 400,
    "config": 400,
    "body_too_large": 413,
    "method_not_allowed": 405,
    "unauthenticated": 401,
    "forbidden": 403,
    "forged": 403,
    "wrong_host": 421,
    "throttled": 429,
    "payload_invalid": 422,
    "unconfirmed": 422,
    "payload_too_large": 413,
    "capability_missing": 409,
    "conflict": 409,
    "refused": 409,
    "redis_unavailable": 503,
    "partial_failure": 500,
    "unexpected": 500,
}
TITLES = {
    400: "Not understood",
    401: "Sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not understood",
    409: "Refused",
    413: "Too large",
    421: "Wrong host",
    422: "Refused",
    429: "Too many tries",
    500: "Something went wrong",
    503: "Redis cannot be reached",
}


def status_of(error: QConsoleError) -> int:
    """Return the HTTP status of an error; unknown codes follow their exit code."""
    by_exit = {2: 400, 3: 404, 4: 409, 5: 503}
    return STATUS.get(error.code) or by_exit.get(int(error.exit_code), 500)


def problem(visit: Visit, error: QConsoleError) -> Response:
    """Answer an error in the form the client asked for."""
    status = status_of(error)
    headers = {"Retry-After": "2"} if status == 503 else {}
    if "retry_after_s" in error.fields:
        headers["Retry-After"] = str(error.fields["retry_after_s"])
    if visit.wants_json:
        response = json_response(error_json(error.as_dict()), status)
    else:
        block = "notice" if visit.is_fragment else None
        title = TITLES.get(status, "Refused")
        response = visit.console.pages.respond(
            visit, "_problem.html", status=status, block=block, error=error, title=title, section=None
        )
        if visit.is_fragment:
            response.headers["HX-Retarget"] = "#notice"
            response.headers["HX-Reswap"] = "innerHTML"
    response.headers.update(headers)
    return response
