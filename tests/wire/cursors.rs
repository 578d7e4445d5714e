//! Cursors in every direction, with the answers that PostgreSQL 15 gave.

use super::raw::{Raw, bind, describe, execute, kinds, parse, sync};
use super::server::{Server, config};

const FIVE: &str = "select generate_series from generate_series(1, 5)";
const FORWARD_ONLY: [&str; 3] =
    ["55000", "cursor can only scan forward", "Declare it with SCROLL option to enable backward scan."];

#[tokio::test]
async fn a_scrolling_cursor_goes_everywhere() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query(&format!("begin; declare c scroll cursor for {FIVE}")).await;
    let all = ["1", "2", "3", "4", "5"];
    for (sql, expected) in [
        ("fetch absolute 0 from c", &all[..0]),
        ("fetch relative 0 from c", &[]),
        ("fetch last from c", &["5"]),
        ("fetch next from c", &[]),
        ("fetch relative 0 from c", &[]),
        ("fetch prior from c", &["5"]),
        ("fetch backward 2 from c", &["4", "3"]),
        ("fetch relative 2 from c", &["5"]),
        ("fetch first from c", &["1"]),
        ("fetch 0 c", &["1"]),
        ("fetch -1 c", &[]),
        ("fetch forward all c", &all),
        ("fetch backward all c", &["5", "4", "3", "2", "1"]),
        ("fetch all in c", &all),
        ("fetch absolute -2 c", &["4"]),
        ("fetch absolute 9 c", &[]),
        ("fetch relative -3 c", &["3"]),
        ("fetch absolute -9 c", &[]),
        ("fetch c", &["1"]),
    ] {
        assert_eq!(raw.rows(sql).await, expected, "{sql}");
    }
    for (sql, tag) in [
        ("move last c", "MOVE 1"),
        ("move backward all in c", "MOVE 4"),
        ("move 2 in c", "MOVE 2"),
        ("move 0 c", "MOVE 1"),
        ("move relative 0 c", "MOVE 1"),
        ("move absolute 9 c", "MOVE 0"),
        ("move absolute -2 c", "MOVE 1"),
        ("move all c", "MOVE 1"),
        ("move -5 from c", "MOVE 5"),
        ("close c", "CLOSE CURSOR"),
    ] {
        assert_eq!(raw.tags(sql).await, [tag], "{sql}");
    }
    assert_eq!(raw.error("fetch c").await[..2], ["34000", "cursor \"c\" does not exist"]);
    server.stop().await;
}

#[tokio::test]
async fn other_cursors_only_go_forward() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for declared in ["no scroll ", ""] {
        let declare = format!("begin; declare d {declared}cursor for {FIVE}; move 0 d; fetch 2 d");
        for back in ["fetch 0 d", "fetch prior d", "fetch absolute 0 d", "move backward all d", "fetch last d"] {
            raw.query(&declare).await;
            assert_eq!(raw.error(back).await, FORWARD_ONLY, "{back}");
            raw.query("rollback").await;
        }
        raw.query(&declare).await;
        assert_eq!(raw.rows("fetch absolute 4 d").await, ["4"]);
        assert_eq!(raw.tags("move 0 d; move relative 1 d").await, ["MOVE 1", "MOVE 1"]);
        assert_eq!(raw.error("fetch absolute 4 d").await, FORWARD_ONLY);
        raw.query("rollback").await;
    }
    for (sql, state) in [
        ("declare d no scroll scroll cursor for select 1", "42P11"),
        ("declare d insensitive asensitive cursor for select 1", "42P11"),
        ("declare d cursor for select 1", "25P01"),
        ("begin; declare d cursor for select 1; declare d cursor for select 2", "42P03"),
    ] {
        assert_eq!(raw.error(sql).await[0], state, "{sql}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_held_cursor_outlives_its_transaction_when_that_is_committed() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query(&format!("begin; declare h scroll cursor with hold for {FIVE}; fetch 2 h")).await;
    raw.query("declare gone cursor for select 1; commit").await;
    assert_eq!(raw.rows("fetch 2 h").await, ["3", "4"]);
    assert_eq!(raw.rows("fetch backward all h").await, ["3", "2", "1"]);
    assert_eq!(raw.error("fetch gone").await[0], "34000");
    // A failing transaction does not take it along.
    raw.query("begin; select no_such").await;
    raw.query("rollback").await;
    assert_eq!(raw.rows("fetch h").await, ["1"]);
    raw.query(&format!("begin; declare undone cursor with hold for {FIVE}; rollback")).await;
    assert_eq!(raw.error("fetch undone").await[0], "34000");
    assert_eq!(raw.tags(&format!("declare late cursor with hold for {FIVE}")).await, ["DECLARE CURSOR"]);
    assert_eq!(raw.rows("fetch 2 late").await, ["1", "2"]);
    assert_eq!(raw.error("fetch prior late").await, FORWARD_ONLY);
    // An error that only the last rows have fails the commit, and the transaction with it.
    raw.query("begin; declare bad cursor with hold for select 10 / (5 - generate_series) from generate_series(1, 9)")
        .await;
    let failed = raw.query("commit").await;
    assert_eq!((failed[0].field(b'C').as_deref(), failed[1].body.as_slice()), (Some("22012"), &b"I"[..]));
    assert_eq!(raw.tags("close all").await, ["CLOSE CURSOR ALL"]);
    assert_eq!(raw.error("fetch h").await[0], "34000");
    server.stop().await;
}

#[tokio::test]
async fn savepoints_take_their_cursors_along() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query(&format!("begin; declare a cursor for {FIVE}; savepoint s; declare b cursor for {FIVE}; fetch a")).await;
    raw.query("rollback to s").await;
    assert_eq!(raw.rows("fetch a").await, ["2"]);
    assert_eq!(raw.error("fetch b").await[0], "34000");
    raw.query("rollback to s").await;
    raw.query(&format!("declare c cursor for {FIVE}; release s; savepoint t; rollback to t")).await;
    assert_eq!(raw.rows("fetch c").await, ["1"]);
    raw.query("rollback").await;
    server.stop().await;
}

/// Portals of the protocol and cursors of SQL share their names.
#[tokio::test]
async fn portals_and_cursors_are_one() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("begin").await;
    raw.bytes(&[parse("", FIVE), bind("p", "", &[], 0), execute("p", 1), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12DsZ");
    assert_eq!(raw.tags("move forward 2 p").await, ["MOVE 2"]);
    assert_eq!(raw.rows("fetch absolute 4 from p").await, ["4"]);
    raw.query(&format!("declare c scroll cursor for {FIVE}; fetch 2 c")).await;
    raw.bytes(&[describe('P', "c"), execute("c", 2), execute("c", 0), sync()].concat()).await;
    let answers = raw.until('Z').await;
    assert_eq!(kinds(&answers), "TDDsDCZ");
    assert_eq!(answers[1].values(), [Some("3".to_owned())]);
    assert_eq!(raw.rows("fetch backward 2 c").await, ["5", "4"]);
    server.stop().await;
}
