//! Expressions and queries as PostgreSQL 15 prints the same ones.

use super::{Purpose, write_expression, write_query};
use crate::catalog::{
    Catalog, Column, DatabaseEntry, Entry, EnumLabel, Object, Relational, Scope, Table, UserType, UserTypeKind, builtin,
};
use crate::planner::definition::TypeReference;
use crate::planner::names::{DeclaredType, Names};
use crate::planner::parse::type_of_text;
use crate::planner::statement::InnerQuery;
use crate::types::NodeName;

const DATABASE: u32 = 70_000;

/// A database with an enum and a table of many types.
fn catalog() -> Catalog {
    let made = |oid, object| Entry { oid, database: DATABASE, object };
    let database = DatabaseEntry { name: "kube".into(), owner: None, comment: String::new() };
    let label = |(oid, label): (u32, &str)| EnumLabel { oid, label: label.to_owned() };
    let labels = [(70_003, "low"), (70_004, "high")].into_iter().map(label).collect();
    let level = UserType {
        oid: 70_001,
        array_oid: 70_002,
        schema: "public".into(),
        name: "level".into(),
        owner: "u".into(),
        kind: UserTypeKind::Enum { labels },
        comment: String::new(),
    };
    let catalog = builtin().expect("built-in catalog");
    let catalog = catalog.with_entry(&made(DATABASE, Object::Database(database)));
    let catalog = catalog.with_entry(&made(70_001, Object::Type(level)));
    let columns = [
        ("k", "int"),
        ("name", "varchar(64)"),
        ("t", "text"),
        ("n", "numeric(10,2)"),
        ("lv", "level"),
        ("c", "char(3)"),
        ("tz", "timestamptz"),
        ("j", "jsonb"),
        ("b", "boolean"),
    ];
    let column = |(number, (name, kind)): (i16, &(&str, &str))| {
        let declared = declared(&catalog, kind);
        Column {
            modifier: declared.modifier,
            user_type: declared.user_type,
            ..Column::new(number, name, declared.sql_type)
        }
    };
    let columns: Vec<Column> = (1..).zip(&columns).map(column).collect();
    let relational = Relational {
        home: NodeName::new("edge-1").expect("name"),
        owner: "u".into(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        columns_made: 0,
        temporary: false,
    };
    let table = Table::new(70_010, "public", "tt", Scope::Relational, "", columns);
    let table = Table { relational: Some(relational), ..table };
    catalog.with_entry(&made(70_010, Object::Table(table)))
}

fn path() -> Vec<String> {
    vec!["public".to_owned()]
}

fn declared(catalog: &Catalog, kind: &str) -> DeclaredType {
    let reference: TypeReference = type_of_text(kind).expect(kind);
    let path = path();
    let names = Names { catalog, database: &catalog.databases["kube"], search_path: &path, temporary: "pg_temp_1" };
    names.declared_type(&reference).expect(kind)
}

fn written(sql: &str, purpose: Purpose, wanted: Option<&str>) -> Result<String, String> {
    let (catalog, path) = (catalog(), path());
    let database = &catalog.databases["kube"];
    let names = Names { catalog: &catalog, database, search_path: &path, temporary: "pg_temp_1" };
    let wanted = wanted.map(|kind| declared(&catalog, kind));
    let columns = &catalog.table("kube", "public", "tt").expect("table").columns;
    let text = InnerQuery { sql: sql.to_owned(), position_offset: 0 };
    write_expression(&text, purpose, columns, wanted.as_ref(), names)
        .map(|written| written.sql)
        .map_err(|error| error.message)
}

#[test]
fn defaults_are_written_with_their_types() {
    for (sql, kind, expected) in [
        ("'x'", "varchar(64)", "'x'::character varying"),
        ("'low'", "level", "'low'::public.level"),
        ("0", "numeric(10,2)", "0"),
        ("-1", "int", "'-1'::integer"),
        ("1.5", "float8", "1.5"),
        ("now() - interval '1 day'", "timestamptz", "(now() - '1 day'::interval)"),
        ("(now() at time zone 'utc')", "timestamp", "(now() AT TIME ZONE 'utc'::text)"),
        ("'2020-01-01'", "date", "'2020-01-01'::date"),
        ("current_date", "date", "CURRENT_DATE"),
        ("'{}'", "text[]", "'{}'::text[]"),
        ("array[1,2]", "int[]", "ARRAY[1, 2]"),
        ("'{}'::jsonb", "jsonb", "'{}'::jsonb"),
        ("'true'", "boolean", "true"),
        ("'a' || 'b'", "text", "('a'::text || 'b'::text)"),
        ("gen_random_uuid()", "uuid", "gen_random_uuid()"),
        ("'a'", "char(3)", "'a'::bpchar"),
        ("null", "text", "NULL::text"),
    ] {
        assert_eq!(written(sql, Purpose::Default, Some(kind)).as_deref(), Ok(expected), "{sql}");
    }
    let refused = "cannot use column reference in DEFAULT expression";
    assert_eq!(written("k", Purpose::Default, None), Err(refused.to_owned()));
}

#[test]
fn conditions_are_written_as_postgresql_does() {
    for (sql, expected) in [
        ("name <> '' and length(name) < 60", "(((name)::text <> ''::text) AND (length((name)::text) < 60))"),
        ("lv in ('low','high')", "(lv = ANY (ARRAY['low'::public.level, 'high'::public.level]))"),
        ("n >= 0", "(n >= (0)::numeric)"),
        ("c like 'a%'", "(c ~~ 'a%'::text)"),
        ("k between 1 and 10 or k is null", "(((k >= 1) AND (k <= 10)) OR (k IS NULL))"),
        (
            "t ~ '^a' and t not like '%b' and t is distinct from 'q'",
            "((t ~ '^a'::text) AND (t !~~ '%b'::text) AND (t IS DISTINCT FROM 'q'::text))",
        ),
        ("coalesce(k, 0) > -5 and not (k = 3)", "((COALESCE(k, 0) > '-5'::integer) AND (NOT (k = 3)))"),
        ("upper(t) not in ('Q', 'R')", "(upper(t) <> ALL (ARRAY['Q'::text, 'R'::text]))"),
        ("name in ('a','b')", "((name)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"),
        ("extract(year from tz) > 2000", "(EXTRACT(year FROM tz) > (2000)::numeric)"),
        ("case when k > 1 then true else k > 2 end", "\nCASE\n    WHEN (k > 1) THEN true\n    ELSE (k > 2)\nEND"),
        ("(j->>'a') = 'x'", "((j ->> 'a'::text) = 'x'::text)"),
    ] {
        assert_eq!(written(sql, Purpose::Check, Some("boolean")).as_deref(), Ok(expected), "{sql}");
    }
    let refused = "aggregate functions are not allowed in check constraints";
    assert_eq!(written("max(k) > 1", Purpose::Check, None), Err(refused.to_owned()));
    assert_eq!(written("nosuch > 1", Purpose::Check, None), Err("column \"nosuch\" does not exist".to_owned()));
}

#[test]
fn views_are_written_with_every_name_in_full() {
    let (catalog, path) = (catalog(), path());
    let database = &catalog.databases["kube"];
    let names = Names { catalog: &catalog, database, search_path: &path, temporary: "pg_temp_1" };
    let write = |sql: &str, columns: &[String]| {
        let text = InnerQuery { sql: sql.to_owned(), position_offset: 0 };
        write_query(&text, columns, names, &|_, _| None).expect(sql)
    };
    let view = write("select t, count(*) n, max(k) from tt where lv = 'low' group by 1 order by n desc limit 3", &[]);
    assert_eq!(
        view.sql,
        "SELECT tt.t,\n    count(*) AS n,\n    max(tt.k) AS max\n   FROM public.tt\n  \
         WHERE (tt.lv = 'low'::public.level)\n  GROUP BY tt.t\n  ORDER BY count(*) DESC\n LIMIT 3"
    );
    assert_eq!(view.columns, ["t", "n", "max"]);
    let star = write("select a.*, b.k as other from tt a join tt b on a.k = b.k", &["first".to_owned()]);
    assert_eq!(star.columns.len(), 10);
    assert!(star.sql.starts_with("SELECT a.k AS first,\n    a.name,"), "{}", star.sql);
    assert!(star.sql.ends_with("FROM (public.tt a\n     JOIN public.tt b ON ((a.k = b.k)))"), "{}", star.sql);
}
