-- Purpose: make the schema of the package.
CREATE SCHEMA {analytics}
