-- name: read_source_columns
-- Purpose: read what the catalog says of columns of the source, and whether the user may read them.
-- Parameters: schema; relations, columns (two arrays of one length: pairs of names).
-- Rows: one per pair, in the order of the arrays; NULLs if the schema, relation or column is
-- missing.
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

-- The type below a domain, which may be a domain itself, counts.
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

-- PostgreSQL stores numeric(p, s) as the number 65536 * p + s + 4, where s takes 11 bits and can be
-- negative: 1024 and above stand for s - 2048. Without p and s the number is -1.
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
