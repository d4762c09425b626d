-- Purpose: how many days were stored, how many of them were missing before the wanted slots, how
-- many were stored before, and the first and last of them. Parameters: first_day. Rows: one.
SELECT
    count(*) AS days_written,
    count(*) FILTER (WHERE reason IS NULL AND day < %(first_day)s::date) AS days_caught_up,
    count(*) FILTER (WHERE reason = 'late data') AS days_repaired,
    min(day) AS first_written,
    max(day) AS last_written
FROM written_days
