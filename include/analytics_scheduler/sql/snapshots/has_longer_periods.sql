-- Purpose: is there a week or month that ends on or after a day? Parameters: day. Rows: one.
SELECT TRUE AS is_there
WHERE EXISTS (
    SELECT FROM {analytics}.analytics_snapshots
    WHERE period_type IN ('weekly', 'monthly') AND period_end >= %(day)s
)
