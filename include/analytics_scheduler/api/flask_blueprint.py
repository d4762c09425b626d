"""The endpoints as a Flask blueprint, which Airflow with the FAB provider serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response
from flask import request as incoming
from werkzeug.routing import PathConverter

from analytics_scheduler.api.gate import respond
from analytics_scheduler.api.messages import MAX_BODY_BYTES, Request
from analytics_scheduler.api.routing import MOUNT

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def make_blueprint() -> Blueprint:
    """Return the blueprint; its one rule takes every path below the mount."""
    blueprint = Blueprint("analytics_scheduler", __name__, url_prefix=MOUNT)
    blueprint.record_once(_prepare)
    blueprint.add_url_rule(
        "/<everything:rest>", "serve", serve, methods=list(_METHODS), merge_slashes=False
    )
    return blueprint


def serve(rest: str) -> Response:
    """Answer the current request; `rest` is its path below the mount."""
    request = Request.received(
        incoming.method,
        f"/{rest}",
        query=incoming.query_string,
        headers=incoming.headers,
        cookies=incoming.cookies,
        body=incoming.stream.read(MAX_BODY_BYTES + 1),
    )
    answer = respond(request)
    response = Response(answer.body, answer.status, content_type=answer.media_type)
    # The header Location stays as it is: it contains the path of Airflow's base URL already.
    response.autocorrect_location_header = False
    response.headers.update(answer.headers)
    return response


class _Everything(PathConverter):
    """Any path, even an empty one or one with a leading slash: Flask must not answer those."""

    regex = ".*?"
    part_isolating = False


def _prepare(state: BlueprintSetupState) -> None:
    """Register the converter, and exempt the blueprint from the CSRF tokens of FAB's forms.

    The blueprint needs none: it accepts a bearer token, and the cookie only from Airflow's own
    pages. FAB's command line builds the application without that protection.
    """
    state.app.url_map.converters["everything"] = _Everything
    protection = state.app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(cast("Blueprint", state.blueprint))
