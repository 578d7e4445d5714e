-- format_type, regtype and what pg_type says.
SELECT format_type(23, -1), format_type(23, NULL), format_type(1043, 14), format_type(1043, -1), format_type(1042, 9), format_type(1700, 655366), format_type(1114, 3), format_type(1184, -1), format_type(1186, -1), format_type(1007, -1), format_type(18, -1), format_type(0, -1), format_type(99999999, -1), format_type(NULL, -1);
SELECT 'int'::regtype, 'int4'::regtype, 'integer'::regtype, 'float8'::regtype, 'timestamptz'::regtype, 'varchar'::regtype, 'varchar(10)'::regtype, 'text[]'::regtype, 'pg_catalog.int8'::regtype, 'bool'::regtype, '"char"'::regtype, 'char'::regtype;
SELECT 'int'::regtype::oid, 'text'::regtype::oid, 'jsonb'::regtype::oid, 25::regtype, 'uuid[]'::regtype::oid, 'timestamp with time zone'::regtype::oid;
SELECT 'nothing'::regtype;
SELECT to_regtype('int'), to_regtype('nothing'), to_regtype('pg_catalog.text');
SELECT oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typelem, typarray, typinput, typoutput, typalign, typstorage, typcollation FROM pg_type WHERE typname IN ('bool', 'int4', 'text', 'numeric', 'timestamptz', 'jsonb', '_text', 'inet', 'name') ORDER BY oid;
SELECT typname, typelem::regtype, typlen FROM pg_type WHERE typname IN ('_int4', '_text', '_timestamptz', 'name', 'int2vector') ORDER BY typname;
SELECT n.nspname, t.typname FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE t.oid IN (16, 20, 1700) ORDER BY t.oid;
SELECT 'int'::regtype = 23, 'int'::regtype::text, 'int'::regtype::oid::int + 1, 'int'::regtype IN ('int4'::regtype, 'text'::regtype);
SELECT typname FROM pg_type WHERE oid = 'interval'::regtype;
SELECT col_description(0, 1), obj_description(0, 'pg_class'), shobj_description(0, 'pg_database');
