-- Purpose: part of other statements: one movement as a number; the sum over a day changes when a
-- movement is added, changed or deleted.
uuid_hash_extended(m.product_id, m.quantity * 16::bigint + length(m.type::text))
