"""Whether the tasks are alive, and how that is told: nothing here imports Airflow."""
