//! Names, types and values of results, and types of parameters, as PostgreSQL 15 gave them.
//!
//! `types.tsv` holds a statement, its columns as `name:type(modifier)` or `!SQLSTATE`, and its rows;
//! `parameters.tsv` a statement, the types of its parameters and its columns. Both were written down from a
//! PostgreSQL 15.

use armorlake::types::SqlType;

use super::raw::{Answer, Raw, bind, describe, execute, parse, sync};
use super::server::{Server, config};

/// Lines of a table, without comments.
fn lines(table: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let mut parts = line.splitn(3, '\t');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    })
}

fn type_name(oid: u32) -> String {
    SqlType::from_oid(oid).map_or_else(|| oid.to_string(), |kind| kind.name().to_owned())
}

/// The columns of a RowDescription.
fn columns(answer: &Answer) -> String {
    let mut rest = &answer.body[2..];
    let mut shown = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        let fixed = &rest[end + 1..];
        let oid = u32::from_be_bytes(fixed[6..10].try_into().expect("four bytes"));
        let modifier = i32::from_be_bytes(fixed[12..16].try_into().expect("four bytes"));
        let modifier = if modifier == -1 { String::new() } else { format!("({modifier})") };
        shown.push(format!("{name}:{}{modifier}", type_name(oid)));
        rest = &fixed[18..];
    }
    shown.join(", ")
}

/// A whole answer in the form of the tables.
fn shown(answers: &[Answer]) -> (String, String) {
    if let Some(error) = answers.iter().find(|answer| answer.kind == 'E') {
        return (format!("!{}", error.field(b'C').unwrap_or_default()), error.field(b'M').unwrap_or_default());
    }
    let names = answers.iter().find(|answer| answer.kind == 'T').map(columns).unwrap_or_default();
    let rows = answers.iter().filter(|answer| answer.kind == 'D').map(|row| {
        let value = |value: Option<String>| {
            value.unwrap_or_else(|| "<null>".to_owned()).replace('\n', "\\n").replace('\t', "\\t")
        };
        row.values().into_iter().map(value).collect::<Vec<_>>().join(" | ")
    });
    (names, rows.collect::<Vec<_>>().join(" ; "))
}

/// A table of another place, for trying statements out.
fn table(name: &str, built_in: &'static str) -> &'static str {
    match std::env::var_os(name) {
        Some(path) => std::fs::read_to_string(path).expect("a table").leak(),
        None => built_in,
    }
}

#[tokio::test]
async fn results_have_postgresqls_names_types_and_values() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let (mut count, mut failures) = (0, Vec::new());
    for [sql, names, rows] in lines(table("TYPES_TABLE", include_str!("types.tsv"))) {
        count += 1;
        let (found_names, found_rows) = shown(&raw.query(sql).await);
        if found_names != names || (found_rows != rows && !names.starts_with('!')) {
            failures.push(format!("{sql}\n  wanted {names}  {rows}\n  found  {found_names}  {found_rows}"));
        }
    }
    println!("{} of {count} as PostgreSQL", count - failures.len());
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    server.stop().await;
}

#[tokio::test]
async fn parameters_have_postgresqls_types() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let (mut count, mut failures) = (0, Vec::new());
    for [sql, types, names] in lines(table("PARAMETERS_TABLE", include_str!("parameters.tsv"))) {
        count += 1;
        raw.bytes(&[parse("", sql), describe('S', ""), sync()].concat()).await;
        let answers = raw.until('Z').await;
        let (found_names, _) = shown(&answers);
        let oids = answers.iter().find(|answer| answer.kind == 't').map(|answer| {
            let oids = answer.body[2..].chunks(4).map(|oid| u32::from_be_bytes(oid.try_into().expect("four bytes")));
            oids.map(type_name).collect::<Vec<_>>().join(", ")
        });
        let wanted = if types.starts_with('!') { (types, "") } else { (names, types) };
        let found = (found_names.as_str(), oids.as_deref().unwrap_or_default());
        if found != wanted && !(types.starts_with('!') && found.0 == types) {
            failures.push(format!("{sql}\n  wanted {wanted:?}\n  found  {found:?}"));
        }
    }
    println!("{} of {count} as PostgreSQL", count - failures.len());
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    server.stop().await;
}

/// Proves that the binary form of every value says the same as its text: each is sent back as a parameter
/// of its own type in binary form, and comes out as the text that it was.
#[tokio::test]
async fn binary_values_are_read_back_as_themselves() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for value in [
        "true",
        "'-7'::int2",
        "-8",
        "9223372036854775807",
        "1.5::float4",
        "'-2.25'::float8",
        "'NaN'::float8",
        "1234.5600",
        "-0.000000000012",
        "'zażółć'::text",
        "'abc'::varchar",
        "'ab'::bpchar",
        "'n'::name",
        "'c'::\"char\"",
        "'\\x00ff'::bytea",
        "date '2024-02-29'",
        "time '10:20:30.5'",
        "timestamp '2024-02-29 10:20:30.123456'",
        "timestamptz '2024-02-29 10:20:30+02'",
        "interval '1 year 2 mons 3 days 04:05:06.7'",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        "'{\"a\": 1}'::json",
        "'{\"a\": 1}'::jsonb",
        "'10.0.0.1/24'::inet",
        "'10.0.0.0/8'::cidr",
        "26::oid",
        "array[1,2,null]",
        "array['a','b c']",
        "array[true]",
        "array[1.5::float8]",
        "array[2.55,1.25]",
        "'{}'::int8[]",
    ] {
        let sql = format!("select {value}");
        let text = raw.query(&sql).await;
        let wanted = shown(&text);
        assert!(!wanted.0.starts_with('!'), "{sql}: {wanted:?}");
        raw.bytes(&[parse("", &sql), bind("", "", &[], 1), describe('P', ""), execute("", 0), sync()].concat()).await;
        let binary = raw.until('Z').await;
        let row = binary.iter().find(|answer| answer.kind == 'D').unwrap_or_else(|| panic!("{sql}: {binary:?}"));
        let description = &text.iter().find(|answer| answer.kind == 'T').expect("columns").body;
        let name_end = description[2..].iter().position(|byte| *byte == 0).expect("a name") + 3;
        let oid = &description[name_end + 6..name_end + 10];
        let parse = super::raw::message(b'P', &[b"\0select $1\0\0\x01", oid].concat());
        let bytes = &row.body[2..];
        let bind = super::raw::message(b'B', &[b"\0\0\0\x01\0\x01\0\x01", bytes, b"\0\x01\0\0"].concat());
        raw.bytes(&[parse, bind, execute("", 0), sync()].concat()).await;
        let back = raw.until('Z').await;
        assert_eq!(shown(&back).1, wanted.1, "{sql}: {back:?}");
    }
    server.stop().await;
}

/// A numeric has 38 digits here: a sum beyond them is an error, never another number.
#[tokio::test]
async fn sums_of_decimals_do_not_wrap_around() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let values =
        "(values (90000000000000000000000000000000000000::numeric), (90000000000000000000000000000000000000)) t(x)";
    for sql in [
        format!("select sum(x) from {values}"),
        format!("select avg(x) from {values}"),
        format!("select sum(x) over (order by x rows unbounded preceding) from {values}"),
        format!("select count(*) from {values} having sum(x) < 0"),
    ] {
        let answers = raw.query(&sql).await;
        let error = answers.iter().find(|answer| answer.kind == 'E').unwrap_or_else(|| panic!("{sql}: {answers:?}"));
        assert_eq!(error.field(b'C').as_deref(), Some("22003"), "{sql}");
    }
    server.stop().await;
}
