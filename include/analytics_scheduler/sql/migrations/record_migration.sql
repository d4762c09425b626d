-- Purpose: note that a migration was applied. Parameters: number, name.
INSERT INTO {analytics}.analytics_snapshot_migrations (number, name)
VALUES (%(number)s, %(name)s)
