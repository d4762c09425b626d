-- Purpose: how many snapshots of the batch are to be proved. Rows: one.
SELECT count(*) FROM planned_slots
