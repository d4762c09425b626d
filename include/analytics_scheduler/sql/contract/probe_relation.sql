-- Purpose: can the relation really be read, whatever lies below it? Identifiers: source, relation
-- and columns.
-- Rows: none.
-- Locks: ACCESS SHARE on the relation and what it reads.
SELECT {columns} FROM {source}.{relation} LIMIT 0 -- noqa: AM09
