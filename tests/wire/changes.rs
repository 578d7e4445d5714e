//! INSERT, UPDATE, DELETE and TRUNCATE over the wire: what clients of PostgreSQL expect of them.

use super::raw::Raw;
use super::server::{Server, config};

/// A user who may write.
pub(super) fn writing() -> armorlake::pg::PgConfig {
    let mut config = config();
    for user in &mut config.users {
        user.roles = vec!["writer".into()];
    }
    config
}

/// Runs a statement and gives its rows as `a|b`, then its tag, or `SQLSTATE message`.
async fn told(raw: &mut Raw, sql: &str) -> Vec<String> {
    let mut told = Vec::new();
    for answer in raw.query(sql).await {
        match answer.kind {
            'D' => told.push(
                answer.values().into_iter().map(|cell| cell.unwrap_or("NULL".into())).collect::<Vec<_>>().join("|"),
            ),
            'C' => told.push(answer.text()),
            'E' => told.push(format!(
                "{} {}",
                answer.field(b'C').unwrap_or_default(),
                answer.field(b'M').unwrap_or_default()
            )),
            _ => {}
        }
    }
    told
}

async fn check(raw: &mut Raw, steps: &[(&str, &[&str])]) {
    for (sql, wanted) in steps {
        assert_eq!(told(raw, sql).await, *wanted, "{sql}");
    }
}

/// What is said, and what is answered.
const PETS: &[(&str, &[&str])] = &[
    (
        "create table pets (id serial primary key, name varchar(5) not null unique, kind text default 'cat', \
             age int check (age >= 0), born date, weight numeric(5,2))",
        &["CREATE TABLE"],
    ),
    ("insert into pets (name, age) values ('tom', 3), ('kit', null)", &["INSERT 0 2"]),
    (
        "insert into pets values (default, 'rex', 'dog', 7, '2024-02-29', 12.345) returning id, kind, born, weight",
        &["3|dog|2024-02-29|12.35", "INSERT 0 1"],
    ),
    (
        "select id, name, kind, age, born, weight from pets order by id",
        &["1|tom|cat|3|NULL|NULL", "2|kit|cat|NULL|NULL|NULL", "3|rex|dog|7|2024-02-29|12.35", "SELECT 3"],
    ),
    (
        "insert into pets (name) values ('tom')",
        &["23505 duplicate key value violates unique constraint \"pets_name_key\""],
    ),
    (
        "insert into pets (name) values (null)",
        &["23502 null value in column \"name\" of relation \"pets\" violates not-null constraint"],
    ),
    (
        "insert into pets (name, age) values ('x', -1)",
        &["23514 new row for relation \"pets\" violates check constraint \"pets_age_check\""],
    ),
    ("insert into pets (name) values ('too long')", &["22001 value too long for type character varying(5)"]),
    ("insert into pets (name, age) values ('x', 'y')", &["22P02 invalid input syntax for type integer: \"y\""]),
    (
        "insert into pets (name, age) select 'x', 'y'::text",
        &["42804 column \"age\" is of type integer but expression is of type text"],
    ),
    ("insert into pets (name, nope) values ('x', 1)", &["42703 column \"nope\" of relation \"pets\" does not exist"]),
    ("insert into pets (name, age) values ('x')", &["42601 INSERT has more target columns than expressions"]),
    (
        "update pets set age = age + 1, kind = upper(kind) where age is not null returning name, age, kind",
        &["tom|4|CAT", "rex|8|DOG", "UPDATE 2"],
    ),
    (
        "update pets p set age = x.age from (values ('kit', 9)) x(name, age) where p.name = x.name returning p.*, x.age * 2",
        &["2|kit|cat|9|NULL|NULL|18", "UPDATE 1"],
    ),
    ("update pets set id = id + 1", &["UPDATE 3"]),
    (
        "insert into pets (name, age) values ('tom', 1), ('new', 2) on conflict (name) do update \
             set age = pets.age + excluded.age where pets.age > 3",
        &["INSERT 0 2"],
    ),
    ("insert into pets (name) values ('tom') on conflict do nothing", &["INSERT 0 0"]),
    (
        "insert into pets (name) values ('a'), ('a') on conflict (name) do update set age = 1",
        &["21000 ON CONFLICT DO UPDATE command cannot affect row a second time"],
    ),
    ("select name, age from pets order by name", &["kit|9", "new|2", "rex|8", "tom|5", "SELECT 4"]),
    ("delete from pets using (values ('kit')) k(n) where name = k.n returning name, k.n", &["kit|kit", "DELETE 1"]),
    (
        "with old as (select name from pets where age > 7) delete from pets where name in (select name from old)",
        &["DELETE 1"],
    ),
    ("insert into pets (name, age) select name || '2', age from pets", &["INSERT 0 2"]),
    ("select count(*), sum(age) from pets", &["4|14", "SELECT 1"]),
    ("truncate pets restart identity", &["TRUNCATE TABLE"]),
    ("insert into pets (name) values ('one') returning id", &["1", "INSERT 0 1"]),
    (
        "insert into logs (pod_name) values ('x')",
        &["0A000 cannot insert into \"logs\": events and the fleet's state are not changed by SQL"],
    ),
];

/// Rows that foreign keys change, identity columns and domains keep to the rules of their tables.
const RULES: &[(&str, &[&str])] = &[
    ("create table owners (id int primary key)", &["CREATE TABLE"]),
    (
        "create table cats (owner int references owners on update cascade check (owner < 10), twice int gene\
            rated always as (owner * 2) stored)",
        &["CREATE TABLE"],
    ),
    ("insert into owners values (1), (2)", &["INSERT 0 2"]),
    ("insert into cats values (1), (1), (2)", &["INSERT 0 3"]),
    ("update owners set id = 5 where id = 1", &["UPDATE 1"]),
    ("select owner, twice from cats order by owner", &["2|4", "5|10", "5|10", "SELECT 3"]),
    (
        "update owners set id = 20 where id = 2",
        &["23514 new row for relation \"cats\" violates check constraint \"cats_owner_check\""],
    ),
    ("select id from owners order by id", &["2", "5", "SELECT 2"]),
    ("create table homes (id int primary key)", &["CREATE TABLE"]),
    ("create table dogs (home int not null default 7 references homes on delete set default)", &["CREATE TABLE"]),
    ("insert into homes values (1), (7)", &["INSERT 0 2"]),
    ("insert into dogs values (1), (1)", &["INSERT 0 2"]),
    ("delete from homes where id = 1", &["DELETE 1"]),
    ("select home from dogs", &["7", "7", "SELECT 2"]),
    (
        "delete from homes where id = 7",
        &[
            "23503 update or delete on table \"homes\" violates foreign key constraint \"dogs_home_fkey\" on table \"dogs\"",
        ],
    ),
    ("delete from dogs", &["DELETE 2"]),
    ("create table links (a int not null references homes on delete set null)", &["CREATE TABLE"]),
    ("insert into links values (7)", &["INSERT 0 1"]),
    ("delete from homes", &["23502 null value in column \"a\" of relation \"links\" violates not-null constraint"]),
    ("create domain small as int check (value < 100)", &["CREATE DOMAIN"]),
    ("delete from links", &["DELETE 1"]),
    ("create table sized (size small references homes on update cascade, other small default 3)", &["CREATE TABLE"]),
    ("insert into sized values (7)", &["INSERT 0 1"]),
    ("insert into sized values (700)", &["23514 value for domain small violates check constraint \"small_check\""]),
    ("insert into sized select 700", &["23514 value for domain small violates check constraint \"small_check\""]),
    ("update sized set other = 1000", &["23514 value for domain small violates check constraint \"small_check\""]),
    ("update homes set id = 300", &["23514 value for domain small violates check constraint \"small_check\""]),
    (
        "create table numbered (id int generated always as identity, by_default int generated by default as \
            identity (start 10), name text not null)",
        &["CREATE TABLE"],
    ),
    (
        "insert into numbered (name) values ('a'), ('b') returning id, by_default, name",
        &["1|10|a", "2|11|b", "INSERT 0 2"],
    ),
    (
        "insert into numbered (id, name) values (1, 'c')",
        &["428C9 cannot insert a non-DEFAULT value into column \"id\""],
    ),
    ("insert into numbered (by_default, name) values (99, 'c') returning id, by_default", &["3|99", "INSERT 0 1"]),
    (
        "insert into numbered (id, by_default, name) values (default, default, 'd') returning id, by_default",
        &["4|12", "INSERT 0 1"],
    ),
    ("insert into numbered (name) select 'e' returning id, by_default", &["5|13", "INSERT 0 1"]),
    ("update numbered set id = default where name = 'e' returning id", &["6", "UPDATE 1"]),
    (
        "update numbered set name = null where id = 1",
        &["23502 null value in column \"name\" of relation \"numbered\" violates not-null constraint"],
    ),
    ("alter table numbered add primary key (id)", &["ALTER TABLE"]),
    ("insert into numbered (by_default, name) values (1, 'x') on conflict (id) do nothing", &["INSERT 0 1"]),
    ("create table keyed (id int primary key, name text not null)", &["CREATE TABLE"]),
    ("insert into keyed values (1, 'a')", &["INSERT 0 1"]),
    (
        "insert into keyed values (1, null) on conflict do nothing",
        &["23502 null value in column \"name\" of relation \"keyed\" violates not-null constraint"],
    ),
    (
        "insert into keyed values (1, 'b') on conflict (id) do update set name = null",
        &["23502 null value in column \"name\" of relation \"keyed\" violates not-null constraint"],
    ),
    (
        "insert into keyed values (1, 'b') on conflict (id) do update set name = excluded.name returning name",
        &["b", "INSERT 0 1"],
    ),
    ("create sequence s", &["CREATE SEQUENCE"]),
    ("begin read only", &["BEGIN"]),
    ("select nextval('s')", &["25006 cannot execute nextval() in a read-only transaction"]),
    ("rollback", &["ROLLBACK"]),
    ("begin read only", &["BEGIN"]),
    ("select setval('s', 9)", &["25006 cannot execute setval() in a read-only transaction"]),
    ("rollback", &["ROLLBACK"]),
    ("select nextval('s')", &["1", "SELECT 1"]),
    ("select nextval(null)", &["NULL", "SELECT 1"]),
];

#[tokio::test]
async fn rules_hold_for_every_row() {
    let server = Server::start(writing()).await;
    let mut raw = Raw::log_in(server.address).await;
    check(&mut raw, RULES).await;
    server.stop().await;
}

#[tokio::test]
async fn rows_are_put_in_changed_and_taken_away() {
    let server = Server::start(writing()).await;
    let mut raw = Raw::log_in(server.address).await;
    check(&mut raw, PETS).await;
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_is_seen_as_a_whole_or_not_at_all() {
    let server = Server::start(writing()).await;
    let (mut one, mut two) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    check(
        &mut one,
        &[
            ("create table t (a int primary key)", &["CREATE TABLE"]),
            ("begin", &["BEGIN"]),
            ("insert into t values (1), (2)", &["INSERT 0 2"]),
            ("savepoint s", &["SAVEPOINT"]),
            ("insert into t values (3)", &["INSERT 0 1"]),
            ("insert into t values (1)", &["23505 duplicate key value violates unique constraint \"t_pkey\""]),
            ("select 1", &["25P02 current transaction is aborted, commands ignored until end of transaction block"]),
            ("rollback to s", &["ROLLBACK"]),
            ("select a from t order by a", &["1", "2", "SELECT 2"]),
        ],
    )
    .await;
    check(
        &mut two,
        &[
            ("select count(*) from t", &["0", "SELECT 1"]),
            ("set lock_timeout = '50ms'", &["SET"]),
            ("insert into t values (9)", &["55P03 canceling statement due to lock timeout"]),
            ("begin read only", &["BEGIN"]),
            ("insert into t values (9)", &["25006 cannot execute INSERT in a read-only transaction"]),
            ("rollback", &["ROLLBACK"]),
        ],
    )
    .await;
    check(&mut one, &[("commit", &["COMMIT"])]).await;
    check(&mut two, &[("select count(*) from t", &["2", "SELECT 1"]), ("insert into t values (9)", &["INSERT 0 1"])])
        .await;
    server.stop().await;
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    check(&mut raw, &[("create table t (a int)", &["42501 permission denied: role \"reader\" may only read"])]).await;
    server.stop().await;
}

#[tokio::test]
async fn locked_rows_wait_for_each_other() {
    let server = Server::start(writing()).await;
    let (mut first, mut second) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    check(&mut first, &[("create table acc (id int primary key, v int)", &["CREATE TABLE"])]).await;
    check(&mut first, &[("insert into acc values (1, 100), (2, 77)", &["INSERT 0 2"])]).await;
    check(&mut first, &[("begin", &["BEGIN"]), ("select v from acc where id = 1 for update", &["100", "SELECT 1"])])
        .await;
    let waits: &[(&str, &[&str])] = &[
        ("set lock_timeout = 50", &["SET"]),
        ("select v from acc where id = 1 for update", &["55P03 canceling statement due to lock timeout"]),
        ("select v from (select * from acc for share nowait) a", &["55P03 could not obtain lock on row"]),
        // Who locks nothing waits for nobody.
        ("select v from acc where id = 1", &["100", "SELECT 1"]),
        ("select count(*) from logs for update", &["0", "SELECT 1"]),
        ("reset lock_timeout", &["RESET"]),
    ];
    check(&mut second, waits).await;
    let mut third = Raw::log_in(server.address).await;
    third.bytes(&super::raw::query("begin; select v from acc where id = 1 for update")).await;
    check(&mut first, &[("update acc set v = 50 where id = 1", &["UPDATE 1"]), ("commit", &["COMMIT"])]).await;
    let answers = third.until('Z').await;
    let seen = answers.iter().find(|answer| answer.kind == 'D').expect("a row").values();
    assert_eq!(seen, [Some("50".to_owned())], "what was committed while it waited");
    check(&mut third, &[("rollback", &["ROLLBACK"])]).await;
    check(&mut second, &[("begin read only", &["BEGIN"])]).await;
    let refused: &[&str] = &["25006 cannot execute SELECT FOR UPDATE in a read-only transaction"];
    check(&mut second, &[("select v from acc for update", refused), ("rollback", &["ROLLBACK"])]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_rollback_to_a_savepoint_keeps_the_moment() {
    let server = Server::start(writing()).await;
    let (mut first, mut second) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    check(&mut first, &[("create table acc (id int primary key, v int)", &["CREATE TABLE"])]).await;
    check(&mut first, &[("insert into acc values (2, 77)", &["INSERT 0 1"])]).await;
    let start: &[(&str, &[&str])] = &[
        ("begin isolation level repeatable read", &["BEGIN"]),
        ("savepoint s", &["SAVEPOINT"]),
        ("select v from acc", &["77", "SELECT 1"]),
        ("update acc set v = 1", &["UPDATE 1"]),
        ("rollback to s", &["ROLLBACK"]),
    ];
    check(&mut first, start).await;
    // The turn to write came back with the rollback.
    check(&mut second, &[("update acc set v = 78", &["UPDATE 1"])]).await;
    let rest: &[(&str, &[&str])] = &[
        ("select v from acc", &["77", "SELECT 1"]),
        ("update acc set v = v + 1", &["40001 could not serialize access due to concurrent update"]),
        ("rollback", &["ROLLBACK"]),
        ("select v from acc", &["78", "SELECT 1"]),
    ];
    check(&mut first, rest).await;
    server.stop().await;
}
