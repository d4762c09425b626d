-- Purpose: columns of an existing table of snapshots, and the columns of its unique key.
-- Parameters: schema. Rows: one a column, one for the key; none where there is no table.
WITH snapshots AS (
    SELECT c.oid
    FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = 'analytics_snapshots'
)

SELECT
    a.attname::text AS part,
    format_type(a.atttypid, a.atttypmod) AS form
FROM pg_attribute AS a
INNER JOIN snapshots AS s ON s.oid = a.attrelid
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT
    'unique key' AS part,
    '(' || string_agg(a.attname, ', ' ORDER BY k.place) || ')' AS form
FROM snapshots AS s
INNER JOIN pg_index AS i ON i.indrelid = s.oid AND i.indisunique AND i.indpred IS NULL
CROSS JOIN LATERAL unnest(i.indkey::smallint []) WITH ORDINALITY AS k (attnum, place)
INNER JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attnum = k.attnum
GROUP BY i.indexrelid
HAVING string_agg(a.attname, ', ' ORDER BY k.place) = 'location_id, period_type, period_start'
