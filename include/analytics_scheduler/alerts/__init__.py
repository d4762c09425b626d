"""Alerts: what is told, the outbox that keeps it until it arrived, and the webhook that takes it.

Nothing here imports Airflow, and nothing here may fail the run that it tells of.
"""
