-- name: read_source_shape
-- Purpose: what the catalog says of every relation and column that the package reads.
-- Parameters: schema; relations and columns, two arrays of one length: the wanted pairs.
-- Rows: one a pair, in the order asked for; NULLs where the schema, relation or column is missing.
-- Locks: none.
WITH RECURSIVE wanted AS (
    SELECT
        pair.place,
        pair.relation_name,
        pair.column_name,
        n.oid AS schema_oid,
        c.oid AS relation_oid,
        c.relkind,
        a.attnum,
        a.atttypid,
        a.atttypmod
    FROM
        unnest(%(relations)s::text[], %(columns)s::text[])
        WITH ORDINALITY AS pair (relation_name, column_name, place)
    LEFT JOIN pg_namespace AS n ON n.nspname = %(schema)s
    LEFT JOIN pg_class AS c
        ON
            n.oid = c.relnamespace
            AND pair.relation_name = c.relname
            AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    LEFT JOIN pg_attribute AS a
        ON
            c.oid = a.attrelid
            AND pair.column_name = a.attname
            AND a.attnum > 0
            AND NOT a.attisdropped
),

-- A domain counts as the type below it.
below (place, type_oid, typmod) AS (
    SELECT
        place,
        atttypid,
        atttypmod
    FROM wanted
    UNION ALL
    SELECT
        below.place,
        d.typbasetype,
        d.typtypmod
    FROM below
    INNER JOIN pg_type AS d ON below.type_oid = d.oid AND d.typtype = 'd'
),

base AS (
    SELECT
        below.place,
        t.typname,
        t.typcategory,
        CASE
            WHEN t.typname = 'numeric' AND below.typmod >= 4
                THEN (below.typmod - 4) & 2047
        END AS scale_bits
    FROM below
    INNER JOIN pg_type AS t ON below.type_oid = t.oid AND t.typtype <> 'd'
)

SELECT
    w.relation_name,
    w.column_name,
    w.schema_oid IS NOT NULL AS schema_exists,
    coalesce(has_schema_privilege(w.schema_oid, 'USAGE'), FALSE) AS schema_usable,
    w.relkind::text AS relation_kind,
    format_type(w.atttypid, w.atttypmod) AS type_shown,
    b.typname::text AS type_name,
    b.typcategory::text AS type_category,
    CASE WHEN b.scale_bits < 1024 THEN b.scale_bits ELSE b.scale_bits - 2048 END AS type_scale,
    coalesce(
        has_column_privilege(w.relation_oid, w.attnum, 'SELECT'), FALSE
    ) AS is_readable
FROM wanted AS w
LEFT JOIN base AS b ON w.place = b.place
ORDER BY w.place;
