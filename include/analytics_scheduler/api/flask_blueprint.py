"""The endpoints as a Flask blueprint, which Airflow serves below `/pluginsv2` with FAB."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, g
from flask import request as incoming
from werkzeug.routing import PathConverter

from analytics_scheduler.api.gate import NotAuthorizedError, authorize, respond
from analytics_scheduler.api.messages import MAX_BODY_BYTES, Answer, Request, parse_query
from analytics_scheduler.api.routes import METHODS, MOUNT

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState

_COOKIE = "_token"


def read_request() -> Request:
    """Return the request in our own form; a body is read no further than is allowed."""
    path = (incoming.view_args or {}).get("rest", "")
    return Request(
        method=incoming.method,
        path=f"/{path}",
        query=parse_query(incoming.query_string),
        authorization=incoming.headers.get("Authorization"),
        cookie_token=incoming.cookies.get(_COOKIE),
        fetch_site=incoming.headers.get("Sec-Fetch-Site"),
        accept=incoming.headers.get("Accept", ""),
        body=incoming.stream.read(MAX_BODY_BYTES + 1),
    )


def to_response(answer: Answer) -> Response:
    """Return an answer as the framework sends it."""
    response = Response(answer.body, answer.status, content_type=answer.media_type)
    # A Location stays as it was computed: it is below Airflow's base URL already.
    response.autocorrect_location_header = False
    response.headers.update(answer.headers)
    return response


def make_blueprint() -> Blueprint:
    """Return the blueprint: everything below the mount goes through the same gate."""
    blueprint = Blueprint("analytics_scheduler", __name__, url_prefix=MOUNT)

    @blueprint.before_request
    def let_administrators_in() -> Response | None:
        g.scheduler_request = read_request()
        try:
            g.scheduler_caller = authorize(g.scheduler_request)
        except NotAuthorizedError as error:
            return to_response(error.answer)
        return None

    def answer(rest: str) -> Response:  # noqa: ARG001
        return to_response(respond(g.scheduler_request, g.scheduler_caller))

    blueprint.record_once(_prepare)
    blueprint.add_url_rule(
        "/<everything:rest>", "answer", answer, methods=list(METHODS), merge_slashes=False
    )
    return blueprint


class _Everything(PathConverter):
    """A path that may be empty or begin with a slash: such a request is ours to refuse too."""

    regex = ".*?"
    part_isolating = False


def _prepare(state: BlueprintSetupState) -> None:
    """Make the rule possible, and take the blueprint out of the form tokens of FAB's pages.

    Its callers bring a bearer token, and a cookie only from Airflow's own pages. The command line
    of FAB builds the app without that protection.
    """
    state.app.url_map.converters["everything"] = _Everything
    protection = state.app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(cast("Blueprint", state.blueprint))
