-- Purpose: how many rows are over. Parameters: those of the part called stale. Rows: one.
-- Locks: none but ACCESS SHARE.
SELECT count(stale.*) AS gone FROM ({stale}) AS stale
