-- Purpose: the databases of the stack, made once when its PostgreSQL starts for the first time.
-- Parameters: the passwords, from the environment; no command line and no log shows them.
-- `inventory` gets the four source tables, empty: load yours, or set DATABASE_URL to where it is.
SET log_min_error_statement = panic;
\getenv airflow_password AIRFLOW_DATABASE_PASSWORD
\getenv analytics_password ANALYTICS_DATABASE_PASSWORD
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE analytics LOGIN PASSWORD :'analytics_password';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE inventory OWNER analytics;
REVOKE CONNECT ON DATABASE airflow, inventory FROM public;
\connect inventory
SET ROLE analytics;
\set create_tables `sed 's/{source}/public/' "$SOURCE_TABLES/create_tables.sql"`
\set create_keys `sed 's/{source}/public/' "$SOURCE_TABLES/create_keys.sql"`
:create_tables
:create_keys
