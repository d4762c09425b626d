-- Purpose: a part of other statements: one page of the rows of one period end, in order, and for
-- a day whether the week or the month that holds it has still to be composed from it.
-- Parameters: period_type, period_end; after_location, after_start (where the last page ended, or
-- NULL); page_size (NULL: all); waits_for_week, waits_for_month (whether those slots count).
SELECT
    d.id,
    d.location_id,
    d.period_start,
    %(waits_for_week)s AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS w
        WHERE
            w.location_id = d.location_id AND w.period_type = 'weekly'
            AND w.period_start > %(period_end)s::date - 14
            AND w.period_start <= %(period_end)s::date
            AND w.period_end >= %(period_end)s::date
    ) AS lacks_week,
    %(waits_for_month)s AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS m
        WHERE
            m.location_id = d.location_id AND m.period_type = 'monthly'
            AND m.period_start > %(period_end)s::date - 62
            AND m.period_start <= %(period_end)s::date
            AND m.period_end >= %(period_end)s::date
    ) AS lacks_month
FROM (
    SELECT
        s.id,
        s.location_id,
        s.period_start
    FROM {analytics}.analytics_snapshots AS s
    WHERE s.period_type = %(period_type)s AND s.period_end = %(period_end)s
    ORDER BY s.location_id, s.period_start
    OFFSET 0
) AS d
WHERE
    %(after_location)s::uuid IS NULL
    OR (d.location_id, d.period_start) > (%(after_location)s::uuid, %(after_start)s::date)
ORDER BY d.location_id, d.period_start
LIMIT %(page_size)s
