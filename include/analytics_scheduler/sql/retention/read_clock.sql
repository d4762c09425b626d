-- Purpose: the database's own clock, a second witness of what day it is. Rows: one.
SELECT now() AS moment
