//! Objects by name and id, sets of rows, and subqueries about the catalog, each as PostgreSQL 15 answers it.

use std::collections::BTreeMap;

use super::harness::{Answer, Harness};

async fn ask(sql: &str) -> Answer {
    Harness::new(BTreeMap::new()).await.ask(sql).await
}

/// A statement, its types, its rows.
type Expected<'a> = (&'a str, &'a [&'a str], &'a [&'a [&'a str]]);

/// Checks rows and types of statements in one session.
async fn assert_answers(expected: &[Expected<'_>]) {
    let harness = Harness::new(BTreeMap::new()).await;
    for (sql, types, rows) in expected {
        let answer = harness.ask(sql).await;
        assert_eq!(answer.types, *types, "{sql}");
        assert_eq!(answer.rows, *rows, "{sql}");
    }
}

#[tokio::test]
async fn values_of_registry_types_are_joined_by_id_and_shown_by_name() {
    assert_answers(&[
        (
            "SELECT typname, typinput, typinput::oid FROM pg_type WHERE oid = 23",
            &["name", "regproc", "oid"],
            &[&["int4", "int4in", "42"]],
        ),
        ("SELECT x FROM (SELECT oid::regclass AS x FROM pg_class WHERE oid = 1259) c", &["regclass"], &[&["pg_class"]]),
        (
            "SELECT p.proname FROM pg_type t JOIN pg_proc p ON p.oid = t.typinput WHERE t.oid = 25",
            &["name"],
            &[&["textin"]],
        ),
        (
            "SELECT 'kind: ' || 23::regtype, concat(1259::regclass, '!')",
            &["text", "text"],
            &[&["kind: integer", "pg_class!"]],
        ),
        (
            "SELECT relname FROM pg_class WHERE oid::regclass IN ('pg_class', 'pg_type') ORDER BY 1",
            &["name"],
            &[&["pg_class"], &["pg_type"]],
        ),
        ("SELECT count(*) FROM pg_type WHERE typinput = 'int4in'", &["int8"], &[&["1"]]),
        (
            "SELECT 96::regoper, 96::regoperator, '+(int4,int4)'::regoperator::oid, 0::regoper",
            &["regoper", "regoperator", "oid", "regoper"],
            &[&["pg_catalog.=", "=(integer,integer)", "551", "0"]],
        ),
        (
            "SELECT 870::regproc, 'lower(text)'::regprocedure, 'simple'::regconfig, '\"C\"'::regcollation",
            &["regproc", "regprocedure", "regconfig", "regcollation"],
            &[&["pg_catalog.lower", "lower(text)", "simple", "\"C\""]],
        ),
        (
            "SELECT to_regtype('\"pg_catalog\".\"int4\"'), to_regproc('nothing'), to_regnamespace('mesh')",
            &["regtype", "regproc", "regnamespace"],
            &[&["integer", "NULL", "mesh"]],
        ),
    ])
    .await;
}

#[tokio::test]
async fn names_that_mean_nothing_or_too_much_are_refused() {
    let harness = Harness::new(BTreeMap::new()).await;
    for (sql, state) in [
        ("SELECT 'lower'::regproc", "42725"),
        ("SELECT 'lower'::regprocedure", "22P02"),
        ("SELECT 'nothing'::regrole", "42704"),
        ("SELECT 'nothing'::regnamespace", "3F000"),
        ("SELECT has_table_privilege('nothing', 'select')", "42P01"),
        ("SELECT has_table_privilege('alerts', 'look')", "22023"),
        ("SELECT has_table_privilege('nobody', 'alerts', 'select')", "42704"),
        ("SELECT has_column_privilege('alerts', 'nothing', 'select')", "42703"),
        ("SELECT has_sequence_privilege('alerts', 'usage')", "42809"),
        ("SELECT pg_get_serial_sequence('alerts', 'nothing')", "42703"),
        ("SELECT count(*) FROM pg_class WHERE relispartition = 'maybe'", "22P02"),
    ] {
        let error = harness.run(sql).await.expect_err(sql);
        assert_eq!(crate::planner::sql_error_from_engine(&error).code.sqlstate(), state, "{sql}: {error}");
    }
}

#[tokio::test]
async fn privileges_are_told_in_every_argument_form() {
    let answer = ask(
        "SELECT has_table_privilege('alerts', 'select'), has_table_privilege('analyst', 'alerts', 'SELECT, INSERT'), \
         has_table_privilege(16501, 16384, 'insert'), has_table_privilege(1, 'select'), \
         has_schema_privilege('analyst', 11, 'create'), has_any_column_privilege('analyst', 'alerts', 'update'), \
         has_column_privilege('analyst', 'alerts', 1::int2, 'select'), pg_has_role('analyst', 'reader', 'member')",
    );
    assert_eq!(answer.await.rows, [["true", "true", "false", "NULL", "false", "false", "true", "true"]]);
}

#[tokio::test]
async fn functions_that_give_rows_stand_in_from_and_in_a_select_list() {
    assert_answers(&[
        ("SELECT s FROM generate_subscripts(ARRAY['a', 'b'], 1) s", &["int4"], &[&["1"], &["2"]]),
        (
            "SELECT e.n, e.x FROM information_schema._pg_expandarray(ARRAY['a', 'b']) e ORDER BY 1",
            &["int4", "text"],
            &[&["1", "a"], &["2", "b"]],
        ),
        ("SELECT * FROM pg_options_to_table(ARRAY['a=b', 'c'])", &["text", "text"], &[&["a", "b"], &["c", "NULL"]]),
        (
            "SELECT grantee, privilege_type, is_grantable FROM aclexplode('{=r*w/armorlake}'::aclitem[])",
            &["oid", "text", "bool"],
            &[&["0", "SELECT", "true"], &["0", "UPDATE", "false"]],
        ),
        (
            "SELECT p.proname, s.i, p.proargtypes[s.i]::regtype \
             FROM pg_proc p, LATERAL generate_subscripts(p.proargtypes, 1) s(i) WHERE p.oid = 2020 ORDER BY 2",
            &["name", "int4", "regtype"],
            &[&["date_trunc", "0", "text"], &["date_trunc", "1", "timestamp without time zone"]],
        ),
        (
            "SELECT p.proname, d.t, d.n FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes) \
             WITH ORDINALITY d(t, n) WHERE p.oid = 2020 ORDER BY n",
            &["name", "int4", "int8"],
            &[&["date_trunc", "25", "1"], &["date_trunc", "1114", "2"]],
        ),
        (
            "SELECT d.grantee, d.privilege_type FROM pg_class c, aclexplode(acldefault('r', c.relowner)) d \
             WHERE c.oid = 1259 AND d.privilege_type LIKE 'T%' ORDER BY 2",
            &["oid", "text"],
            &[&["10", "TRIGGER"], &["10", "TRUNCATE"]],
        ),
        (
            "SELECT aclexplode_privilege_type('{=r*w/armorlake}'::aclitem[]), expandarray_n(ARRAY['a', 'b']), \
             options_option_value(ARRAY['a=b'])",
            &["_text", "_int4", "_text"],
            &[&["[SELECT, UPDATE]", "[1, 2]", "[b]"]],
        ),
        ("SELECT count(*) > 0 FROM pg_show_all_settings()", &["bool"], &[&["true"]]),
    ])
    .await;
}

#[tokio::test]
async fn arrays_are_made_of_any_subquery() {
    assert_answers(&[
        ("SELECT ARRAY(SELECT unnest(ARRAY['x', 'y']) ORDER BY 1 DESC)", &["_text"], &[&["[y, x]"]]),
        (
            "SELECT ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = 1259 ORDER BY attnum LIMIT 2)",
            &["_text"],
            &[&["[oid, relname]"]],
        ),
        (
            "SELECT ARRAY(SELECT DISTINCT relkind::text FROM pg_class WHERE relnamespace = 11 ORDER BY 1)",
            &["_text"],
            &[&["[r, v]"]],
        ),
        (
            "SELECT rolname, 'reader' = ANY (ARRAY(WITH RECURSIVE held AS (SELECT pg_roles.oid, pg_roles.rolname \
             FROM pg_roles WHERE pg_roles.oid = roles.oid UNION ALL SELECT m.roleid, r.rolname FROM held \
             JOIN pg_auth_members m ON m.member = held.oid JOIN pg_roles r ON r.oid = m.roleid) \
             SELECT rolname FROM held)) FROM pg_roles roles WHERE rolname IN ('analyst', 'armorlake') ORDER BY 1",
            &["name", "bool"],
            &[&["analyst", "true"], &["armorlake", "false"]],
        ),
    ])
    .await;
}

#[tokio::test]
async fn rows_of_system_tables_have_a_table_and_a_transaction() {
    let answer = ask("SELECT n.tableoid, n.xmin, n.tableoid::regclass FROM pg_namespace n WHERE n.oid = 11").await;
    assert_eq!(answer.columns, ["tableoid", "xmin", "tableoid"]);
    assert_eq!(answer.types, ["oid", "xid", "regclass"]);
    assert_eq!(answer.rows, [["2615", "1", "pg_namespace"]]);
    let answer = ask("SELECT columns.* FROM information_schema.columns WHERE table_name = 'nothing'").await;
    assert_eq!(answer.columns.len(), 44);
}

#[tokio::test]
async fn tools_look_relations_and_grants_up_in_their_own_ways() {
    let answer = ask("SELECT c.column_name, a.attnum FROM information_schema.columns c LEFT JOIN pg_attribute a \
         ON a.attname = c.column_name AND a.attrelid = (SELECT k.oid FROM pg_class k LEFT JOIN pg_namespace n \
         ON n.oid = k.relnamespace WHERE k.relname = c.table_name AND n.nspname = c.table_schema) \
         WHERE c.table_name = 'nodes' AND c.ordinal_position < 3 ORDER BY 2");
    assert_eq!(answer.await.rows, [["node", "1"], ["role", "2"]]);
    let answer = ask(
        "SELECT array_agg(privilege_type) FROM (SELECT d.grantee, CASE d.privilege_type WHEN 'SELECT' THEN 'r' END \
         AS privilege_type FROM (SELECT acldefault('c', 10) AS acl) c, aclexplode(c.acl) d \
         ORDER BY d.grantee, d.privilege_type) listed",
    );
    assert_eq!(answer.await.rows, [["NULL"]]);
    let answer = ask("SELECT DISTINCT i.relname, ARRAY(SELECT pg_get_indexdef(d.indexrelid, k + 1, true) \
         FROM generate_subscripts(d.indkey, 1) AS k ORDER BY k) FROM pg_class t JOIN pg_index d ON t.oid = d.indrelid \
         JOIN pg_class i ON d.indexrelid = i.oid WHERE d.indisprimary = 'f'");
    assert_eq!(answer.await.rows.len(), 0);
}

#[tokio::test]
async fn row_types_belong_to_their_relations() {
    assert_answers(&[
        (
            "SELECT t.typname, t.typrelid::regclass, t.typtype, a.typname FROM pg_class c \
             JOIN pg_type t ON t.oid = c.reltype JOIN pg_type a ON a.oid = t.typarray WHERE c.relname = 'alerts'",
            &["name", "regclass", "char", "name"],
            &[&["alerts", "alerts", "c", "_alerts"]],
        ),
        (
            "SELECT format_type(c.reltype, NULL), pg_type_is_visible(c.reltype) FROM pg_class c WHERE c.relname = 'nodes'",
            &["text", "bool"],
            &[&["mesh.nodes", "false"]],
        ),
        (
            "SELECT data_type, domain_name, character_maximum_length FROM information_schema.columns \
             WHERE table_schema = 'information_schema' AND table_name = 'tables' AND column_name = 'is_typed'",
            &["varchar", "name", "int4"],
            &[&["character varying", "yes_or_no", "3"]],
        ),
    ])
    .await;
}
