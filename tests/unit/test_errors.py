"""Errors: one family, and no password in any message."""

from __future__ import annotations

import inspect

import pytest

from analytics_scheduler import errors
from analytics_scheduler.database import open_connection
from analytics_scheduler.errors import AnalyticsError, SettingError
from analytics_scheduler.redaction import scrubbed
from analytics_scheduler.settings import DatabaseSettings


def test_every_error_is_of_one_family() -> None:
    found = [value for value in vars(errors).values() if inspect.isclass(value)]
    assert len(found) > 1
    for error in found:
        assert issubclass(error, AnalyticsError)
        assert error.__doc__


@pytest.mark.parametrize(
    "text",
    [
        'could not connect to "postgresql://shop:s3cret@db:5432/inventory"',
        "postgres://shop:s3cret@db/inventory?sslmode=require",
        "postgresql+psycopg://shop:s3cret@db",
        "redis://:s3cret@cache:6379/0",
        "rediss://worker:s3cret@cache",
        "postgresql://shop:s3cret%40with%2Fmarks@db/inventory",
        "postgresql://shop:s3@s3cret@db/inventory",
        "postgresql://shop:a/s3cret@db/inventory",
        "postgresql://shop:a:s3cret@db/inventory",
        "postgresql://db/inventory?user=shop&password=s3cret",
        "postgresql://db/inventory?password=s3cret&user=shop",
        "host=db user=shop password=s3cret dbname=inventory",
        "host=db password = s3cret",
        "host=db password='a s3cret'",
        r"host=db password='it\'s a s3cret'",
        "PASSWORD=s3cret",
        "PGPASSWORD=s3cret",
        "sslpassword=s3cret",
        '{"host": "db", "password": "s3cret"}',
        "{'login': 'shop', 'password': 'a s3cret'}",
        "two: postgresql://a:s3cret@one/x and postgresql://b:s3cret@two/y",
    ],
)
def test_a_password_is_scrubbed_in_any_form(text: str) -> None:
    assert "s3cret" not in scrubbed(text)
    assert "***" in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        'connection to server at "127.0.0.1", port 5432 failed: Connection refused',
        'FATAL:  password authentication failed for user "shop"',
        "fe_sendauth: no password supplied",
        "postgresql://shop@db:5432/inventory",
        "https://example.org/help",
    ],
)
def test_a_text_without_a_password_is_unchanged(text: str) -> None:
    assert scrubbed(text) == text


def test_scrubbing_keeps_everything_else() -> None:
    assert scrubbed("postgresql://shop:s3cret@db:5432/inventory") == (
        "postgresql://shop:***@db:5432/inventory"
    )
    assert scrubbed("host=db password=s3cret dbname=x") == "host=db password=*** dbname=x"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:s3@cret@127.0.0.1:1/inventory",
        "postgresql://shop:s3/cret@127.0.0.1:1/inventory",
        "postgresql://shop:s3%zzcret@127.0.0.1:1/inventory",
        "postgresql://shop:s3cret@[::1/inventory",
        "postgresql://shop:s3cret",
        "postgresql://shop:s3cret@127.0.0.1:1/inventory?colour=red",
    ],
)
def test_a_url_that_cannot_be_parsed_is_not_shown(url: str) -> None:
    with pytest.raises(SettingError) as refusal:
        open_connection(DatabaseSettings.load({"DATABASE_URL": url}))
    assert "DATABASE_URL=*** cannot be used" in str(refusal.value)
    assert "percent-encoded" in str(refusal.value)
    for piece in ("cret", "s3"):
        assert piece not in str(refusal.value)
        assert piece not in str(refusal.value.__cause__)
    assert refusal.value.__suppress_context__


def test_a_missing_url_is_named() -> None:
    with pytest.raises(SettingError, match=r"DATABASE_URL is not set.*analytics_db"):
        open_connection(DatabaseSettings.load({}))
