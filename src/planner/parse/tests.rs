//! Statements as clients write them, and texts that are none.

use super::super::statement::{
    AfterEnd, CopyFormat, CopyHeader, DiscardTarget, ExplainFormat, Explained, FetchCount, FetchRows, ForceQuote,
    InnerQuery, Scroll, SetScope, SetValue, StoredChange, StoredRole,
};
use super::{Statement, parse};
use crate::types::Code;

fn one(sql: &str) -> Statement {
    let mut statements = parse(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0).statement
}

#[test]
fn a_text_is_split_at_semicolons_only() {
    let statements = parse("select ';' as \"a;b\" ; -- c;d\n /* ; */ select $$;$$ ;; ").expect("two statements");
    let texts: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
    assert_eq!(texts, ["select ';' as \"a;b\"", "select $$;$$"]);
    assert_eq!(statements[1].position_offset, 38);
}

#[test]
fn comments_alone_are_empty() {
    for sql in ["", ";", " ;; ", "-- ping", "/* a /* b */ */"] {
        assert_eq!(one(sql), Statement::Empty, "{sql}");
    }
}

#[test]
fn a_syntax_error_tells_its_place_in_characters() {
    for (sql, position, message) in [
        ("selec 1", 1, "syntax error at or near \"selec\""),
        ("select 'é', 1 2 3", 15, "syntax error at or near \"2\""),
        ("select 1;\nselect * frm t where x", 17, ""),
        ("select (1", 10, "syntax error at end of input"),
        ("select 1 +; select 2", 11, "syntax error at or near \";\""),
        ("select 'abc", 8, "unterminated quoted string at or near \"'abc\""),
        ("select \"abc", 8, "unterminated quoted identifier at or near \"\"abc\""),
        ("select /* abc", 8, "unterminated /* comment at or near \"/* abc\""),
        ("select $a$abc", 8, "unterminated dollar-quoted string at or near \"$a$abc\""),
    ] {
        let error = parse(sql).expect_err(sql);
        assert_eq!(error.code, Code::SyntaxError, "{sql}");
        if !message.is_empty() {
            assert_eq!((error.message.as_str(), error.position), (message, Some(position)), "{sql}");
        }
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let chain = format!("select 1{}", "+1".repeat(5_000));
    let nested = format!("select {}1{}", "(".repeat(500), ")".repeat(500));
    let unions = format!("select 1, 2{}", " union all select 1, 2".repeat(5_000));
    let long = format!("select '{}'", "x".repeat(2 << 20));
    for sql in [chain, nested, unions, long] {
        assert_eq!(parse(&sql).expect_err("refused").code, Code::StatementTooComplex, "{}", &sql[..20]);
    }
    let list = format!("select 1 where 1 in (-1{})", ",-2".repeat(20_000));
    assert_eq!(one(&list), Statement::Query);
    assert_eq!(one(&format!("select 1{}", "+1".repeat(2_900))), Statement::Query);
}

#[test]
fn settings_are_read() {
    let set = |name: &str, value: &str| Statement::Set {
        name: name.to_owned(),
        value: SetValue::Values(vec![value.to_owned()]),
        scope: SetScope::Session,
    };
    assert_eq!(one("SET statement_timeout = -5"), set("statement_timeout", "-5"));
    assert_eq!(one("set armorlake.missing_nodes to 'error'"), set("armorlake.missing_nodes", "error"));
    assert_eq!(one("SET TIME ZONE 5.5"), set("timezone", "<+05:30>-05:30"));
    assert_eq!(one("SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE"), set("timezone", "<-08>+08"));
    assert_eq!(one("set time zone 'Asia/Tokyo'"), set("timezone", "Asia/Tokyo"));
    assert_eq!(one("SET NAMES 'UTF8'"), set("client_encoding", "UTF8"));
    assert_eq!(one("show transaction isolation level"), Statement::Show("transaction_isolation".into()));
    assert_eq!(one("RESET ALL"), Statement::ResetAll);
    let Statement::Set { value, scope, .. } = one("set local search_path = edge, \"Public\"") else { panic!() };
    assert_eq!(value, SetValue::Values(vec!["edge".into(), "Public".into()]));
    assert_eq!(scope, SetScope::Local);
}

#[test]
fn transactions_are_read() {
    let Statement::Begin { modes, .. } = one("begin isolation level serializable read only deferrable;") else {
        panic!()
    };
    assert_eq!((modes.isolation, modes.read_only, modes.deferrable), (Some("serializable"), Some("on"), Some("on")));
    assert_eq!(one("rollback to savepoint \"S 1\""), Statement::RollbackTo("S 1".into()));
    assert_eq!(one("ROLLBACK WORK TO a"), Statement::RollbackTo("a".into()));
    assert_eq!(one("commit and chain"), Statement::Commit(AfterEnd::Chain));
    assert_eq!(one("abort"), Statement::Rollback(AfterEnd::Nothing));
    assert_eq!(one("discard all"), Statement::Discard(DiscardTarget::All));
}

#[test]
fn cursors_and_prepared_statements_are_read() {
    let Statement::Declare { options, inner, .. } =
        one("DECLARE _psql_cursor NO SCROLL CURSOR WITH HOLD FOR\nselect 1")
    else {
        panic!()
    };
    assert!(options.hold && options.scroll == Scroll::No);
    assert_eq!((inner.sql.as_str(), inner.position_offset), ("select 1", 52));
    for (sql, count) in [
        ("FETCH c", FetchCount::Forward(Some(1))),
        ("fetch 100 in \"c\"", FetchCount::Forward(Some(100))),
        ("FETCH FORWARD ALL FROM c", FetchCount::Forward(None)),
        ("FETCH -5 FROM c", FetchCount::Backward(Some(5))),
        ("fetch backward -5 c", FetchCount::Forward(Some(5))),
        ("fetch backward all c", FetchCount::Backward(None)),
        ("fetch first from c", FetchCount::Absolute(1)),
        ("fetch last c", FetchCount::Absolute(-1)),
        ("fetch absolute -3 in c", FetchCount::Absolute(-3)),
        ("fetch relative +2 c", FetchCount::Relative(2)),
        ("fetch all", FetchCount::Forward(Some(1))),
    ] {
        let Statement::Fetch { count: found, rows, .. } = one(sql) else { panic!("{sql}") };
        assert_eq!((found, rows), (count, FetchRows::Send), "{sql}");
    }
    let Statement::Prepare { types, .. } = one("prepare p (int, timestamp with time zone) as select $1, $2") else {
        panic!()
    };
    assert_eq!(texts(&types), ["int", "timestamp with time zone"]);
    let Statement::Execute { arguments, .. } = one("execute p(f(1, 2), 'a,b')") else { panic!() };
    assert_eq!((texts(&arguments), arguments[1].position_offset), (vec!["f(1, 2)", "'a,b'"], 19));
    for sql in
        ["fetch absolute c", "fetch - c", "declare c scroll no scroll cursor for select 1", "execute p(1", "copy t"]
    {
        assert!(parse(sql).is_err(), "{sql}");
    }
}

fn texts(written: &[InnerQuery]) -> Vec<&str> {
    written.iter().map(|one| one.sql.as_str()).collect()
}

#[test]
fn explain_is_read() {
    let Statement::Explain { options, what: Explained::Query(inner) } = one("explain (analyze, format json) select 1")
    else {
        panic!()
    };
    assert!(options.analyze && options.timing && options.summary);
    assert_eq!((options.format, inner.sql.as_str()), (ExplainFormat::Json, "select 1"));
    assert!(matches!(one("EXPLAIN (select 1)"), Statement::Explain { options, .. } if !options.analyze));
    assert!(matches!(one("explain verbose execute p(1)"),
        Statement::Explain { options, what: Explained::Execute { .. } } if options.verbose));
}

#[test]
fn copy_is_read() {
    let Statement::Copy { source, options } =
        one("COPY \"Logs\" (id, \"ts\") TO STDOUT WITH CSV HEADER QUOTE AS '''' FORCE QUOTE id")
    else {
        panic!()
    };
    assert_eq!(source.inner.sql, "SELECT \"id\", \"ts\" FROM \"Logs\"");
    let CopyFormat::Csv { quote, escape, force_quote, .. } = options.format else { panic!() };
    assert_eq!((options.header, quote, escape), (CopyHeader::Names, b'\'', b'\''));
    assert_eq!(force_quote, ForceQuote::Columns(vec!["id".into()]));
    let Statement::Copy { source, .. } = one("copy  ( select (1), ')' ) to stdout") else { panic!() };
    assert_eq!((source.inner.sql.as_str(), source.inner.position_offset), ("select (1), ')'", 8));
}

#[test]
fn stored_settings_are_read() {
    let Statement::AlterSettings { scope, change, .. } = one("alter role \"R\" in database d set a.b to 'x', y") else {
        panic!()
    };
    assert_eq!((scope.role, scope.database), (StoredRole::Named("R".into()), Some("d".into())));
    let value = SetValue::Values(vec!["x".into(), "y".into()]);
    assert_eq!(change, StoredChange::Set { name: "a.b".into(), value });
    assert!(matches!(
        one("alter role all set a = default"),
        Statement::AlterSettings { change: StoredChange::Reset(_), .. }
    ));
    assert!(matches!(one("alter role r with login"), Statement::Unsupported { .. }));
}

#[test]
fn known_commands_that_are_missing_are_told_from_nonsense() {
    assert_eq!(one("create trigger t"), Statement::Unsupported { tag: "CREATE TRIGGER".into() });
    assert_eq!(one("LISTEN c"), Statement::Listen("c".into()));
    assert!(parse("frobnicate").is_err());
}

/// Every text that a real client was seen to send is read; needs ../shared, skips without it.
#[test]
fn the_texts_of_real_clients_are_read() {
    let shared = std::env::var_os("ARMORLAKE_SHARED")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), std::path::PathBuf::from);
    let Ok(folder) = std::fs::read_dir(shared.join("clients")) else {
        println!("skipped: the shared client texts are absent");
        return;
    };
    let (mut read, mut failed) = (0, Vec::new());
    for path in folder.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).expect("readable").lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
            let (Some(sql), expect) = (record["sql"].as_str(), record["expect"].as_str()) else { continue };
            read += 1;
            if let Err(error) = parse(sql)
                && !expect.is_some_and(|expect| expect.starts_with("error"))
            {
                failed.push(format!("{error:?}\n{sql}"));
            }
        }
    }
    failed.sort();
    failed.dedup();
    assert!(failed.is_empty(), "{} of {read} texts failed:\n{}", failed.len(), failed.join("\n---\n"));
}
