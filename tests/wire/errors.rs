//! Errors beside PostgreSQL's: SQLSTATE, text, place and hint.
//!
//! What PostgreSQL 15 answered to each statement stands in `errors.tsv`: statement, SQLSTATE,
//! message, position and hint, with tabs between. Statements that the engine takes otherwise are
//! not in it; docs/SQL.md tells of them.

use super::raw::Raw;
use super::server::{Server, config};

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/errors.tsv");

#[tokio::test]
async fn errors_are_those_of_postgresql() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let (mut tried, mut different) = (0, Vec::new());
    for line in std::fs::read_to_string(ANSWERS).expect("readable").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [sql, state, message, position, hint] = fields.as_slice() else { panic!("not five fields: {line}") };
        tried += 1;
        let answers = raw.query(sql).await;
        let error = answers.iter().find(|answer| answer.kind == 'E');
        let field = |field: u8| error.and_then(|error| error.field(field)).unwrap_or_default();
        let found = [field(b'C'), field(b'M'), field(b'P'), field(b'H')];
        if found != [*state, *message, *position, *hint] {
            different.push(format!("{sql}\n  wanted {state} {message} @{position} {hint}\n  found  {found:?}"));
        }
    }
    assert!(tried > 60, "only {tried} statements");
    assert!(different.is_empty(), "{} of {tried} differ:\n{}", different.len(), different.join("\n"));
    server.stop().await;
}

/// The place counts characters of the whole text that the client sent, whatever stands before the statement.
#[tokio::test]
async fn places_count_from_the_start_of_the_text() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, place) in [
        ("select 'é'; select nosuch", "20"),
        ("declare c cursor with hold for select nosuch", "39"),
        ("copy (select nosuch) to stdout", "14"),
        ("explain select nosuch", "16"),
        ("prepare p as select nosuch", "21"),
        ("table nosuch", "7"),
        ("/* é */ select\n nosuch", "17"),
    ] {
        let answers = raw.query(sql).await;
        let error = answers.iter().find(|answer| answer.kind == 'E').unwrap_or_else(|| panic!("{sql}: no error"));
        assert_eq!(error.field(b'P').as_deref(), Some(place), "{sql}");
    }
    server.stop().await;
}
