-- A subquery in the place of a value has one row, also over the system tables.
SELECT (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid) FROM pg_class c WHERE c.relname = 'pg_class';
SELECT (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 2) FROM pg_class c WHERE c.relname = 'pg_class';
SELECT (SELECT t.typname FROM pg_type t WHERE t.oid = a.atttypid) FROM pg_attribute a WHERE a.attrelid = 'pg_class'::regclass AND a.attnum = 1;
SELECT (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace LIMIT 1) FROM pg_class c WHERE c.relname = 'pg_class';
SELECT (SELECT t.typname FROM pg_type t WHERE t.typname = c.relname AND t.typlen = 4) FROM pg_class c WHERE c.relname = 'pg_class';
