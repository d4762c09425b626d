"""Alerts: their messages, the outbox that keeps them until they arrive, and the webhook.

Nothing here imports Airflow, and no run fails because of an alert.
"""
