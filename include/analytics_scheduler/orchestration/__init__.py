"""Building blocks that our DAG files and users' DAG files are made of."""
