"""What runs on one machine only: embedded servers and sample data, for `demo`, `up` and tests."""
