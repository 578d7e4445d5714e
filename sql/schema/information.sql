-- information_schema about tables of one's own.
CREATE TABLE inf_main (id bigint PRIMARY KEY, name varchar(20) NOT NULL, price numeric(8, 2) DEFAULT 1.5, made timestamptz, flags bool[], doc jsonb, CONSTRAINT inf_price CHECK (price > 0));
CREATE TABLE inf_other (id int, main_id bigint CONSTRAINT inf_link REFERENCES inf_main, UNIQUE (id, main_id));
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_name LIKE 'inf\_%' AND table_schema = 'public' ORDER BY 2;
SELECT column_name, ordinal_position, is_nullable, data_type FROM information_schema.columns WHERE table_name = 'inf_main' ORDER BY 2;
SELECT column_name, character_maximum_length, numeric_precision, numeric_scale, datetime_precision, udt_name FROM information_schema.columns WHERE table_name = 'inf_main' ORDER BY ordinal_position;
SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_name LIKE 'inf\_%' AND constraint_type <> 'CHECK' ORDER BY 1;
SELECT constraint_name, column_name, ordinal_position FROM information_schema.key_column_usage WHERE table_name LIKE 'inf\_%' ORDER BY 1, 3;
SELECT constraint_name, unique_constraint_name, delete_rule FROM information_schema.referential_constraints WHERE constraint_name = 'inf_link';
SELECT constraint_name FROM information_schema.check_constraints WHERE constraint_name = 'inf_price';
SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('inf_main'::regclass, 'inf_other'::regclass) AND contype <> 'c' ORDER BY conname;
SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'inf\_%' ORDER BY 1;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'inf_main'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'inf_main'::regclass;
SELECT c.relname, c.relnatts, c.relhasindex FROM pg_class c WHERE c.relname LIKE 'inf\_%' AND c.relkind = 'r' ORDER BY 1;
SELECT has_table_privilege('inf_main', 'SELECT'), has_table_privilege('inf_nothing', 'SELECT');
DROP TABLE inf_other, inf_main;
SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'inf\_%' AND table_schema = 'public';
