-- What \d shows of tables of one's own.
CREATE TABLE dsc_parent (id int PRIMARY KEY, code varchar(10) NOT NULL UNIQUE, price numeric(8, 2) DEFAULT 0);
CREATE TABLE dsc_child (id int PRIMARY KEY, parent_id int REFERENCES dsc_parent (id), made timestamptz DEFAULT now(), CHECK (id > 0));
CREATE INDEX dsc_by_parent ON dsc_child (parent_id, made);
CREATE VIEW dsc_view AS SELECT id, code FROM dsc_parent;
COMMENT ON TABLE dsc_parent IS 'what is sold';
COMMENT ON COLUMN dsc_parent.code IS 'its short name';
\d dsc_parent
\d dsc_child
\d dsc_view
\d dsc_by_parent
\dt dsc*
\dv dsc*
\di dsc*
\d+ dsc_parent
\d dsc_nothing
SELECT col_description('dsc_parent'::regclass, 2), obj_description('dsc_parent'::regclass);
DROP TABLE dsc_child;
DROP VIEW dsc_view;
DROP TABLE dsc_parent;
