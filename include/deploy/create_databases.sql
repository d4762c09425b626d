-- Purpose: create the databases of the stack, once, when its PostgreSQL starts for the first time.
-- Parameters: the passwords, read from the environment so that no command line or log shows them.
-- `inventory` gets the four source tables, empty. Load your data into them, or point DATABASE_URL
-- at the database that already has it.
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
