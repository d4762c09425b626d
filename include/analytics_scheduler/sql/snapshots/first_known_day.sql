-- Purpose: part of other statements: the first day that is known of location l, stored or adopted.
SELECT
    least(
        (
            SELECT min(d.day)
            FROM {analytics}.analytics_snapshot_days AS d
            WHERE d.location_id = l.location_id
        ), (
            SELECT min(s.period_start)
            FROM {analytics}.analytics_snapshots AS s
            WHERE s.location_id = l.location_id AND s.period_type = 'daily'
        )
    )
