"""The `analytics-scheduler` command."""


def main() -> int:
    """Run the command line."""
    return 0
