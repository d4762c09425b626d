"""Trusted daily, weekly and monthly inventory snapshots, run by Apache Airflow."""
