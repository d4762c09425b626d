-- Purpose: create the databases of docker-compose.yaml when its PostgreSQL starts for the first time.
-- Passwords come from the environment, so that neither a command line nor a log shows them.
-- `inventory` gets the four source tables, empty. Load yours, or point DATABASE_URL elsewhere.
SET log_min_error_statement = panic;
\getenv airflow_password AIRFLOW_DATABASE_PASSWORD
\getenv analytics_password ANALYTICS_DATABASE_PASSWORD
\getenv source_tables SOURCE_TABLES
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE analytics LOGIN PASSWORD :'analytics_password';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE inventory OWNER analytics;
REVOKE CONNECT ON DATABASE airflow, inventory FROM public;
\connect inventory
SET ROLE analytics;
\i :source_tables/create_tables.sql
\i :source_tables/create_keys.sql
