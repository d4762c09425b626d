-- Purpose: a part of other statements: the alerts that are over, but none that waits to be sent
-- and none whose incident is open.
-- Parameters: moment (alerts of before it are over).
SELECT a.id
FROM {analytics}.analytics_snapshot_alerts AS a
WHERE
    a.created_at < %(moment)s AND a.state <> 'waiting'
    AND (NOT a.opens_incident OR a.resolved_at IS NOT NULL)
