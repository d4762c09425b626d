"""The HTTP endpoints, independent of any web framework, and the two surfaces that serve them.

`endpoints.py` declares each endpoint once. A surface (`asgi_app.py`, `flask_blueprint.py`) turns
what its framework received into a `Request`, calls `gate.respond`, and sends the `Answer`.
"""
