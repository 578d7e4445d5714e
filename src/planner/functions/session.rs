//! Functions that tell of the server, the session and the client.

use std::net::SocketAddr;
use std::sync::Arc;

use super::FunctionContext;
use super::function::{Function, integer, sql_error, text, truth};
use crate::system::{PG_CATALOG, Value};
use crate::types::{Code, SqlType};

/// Names of PostgreSQL's encodings, by number.
const ENCODINGS: &[&str] = &[
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

/// The functions of this file.
pub(super) fn functions(context: &FunctionContext) -> Vec<Function> {
    let mut functions = identity(context);
    functions.extend(settings(context));
    functions.extend(constants());
    functions
}

fn identity(context: &FunctionContext) -> Vec<Function> {
    let tell = |name, result, value: Value| Function::new(name, 0, 0, result, move |_| Ok(value.clone()));
    let session = &context.session;
    let first_schema = Value::text_or_null(session.search_path.first().map(String::as_str));
    vec![
        tell("version", SqlType::Text, session.version.as_str().into()),
        tell("current_database", SqlType::Name, context.catalog.database.as_str().into()),
        tell("current_catalog", SqlType::Name, context.catalog.database.as_str().into()),
        tell("current_schema", SqlType::Name, first_schema),
        tell("current_user", SqlType::Name, session.current_user.as_str().into()),
        tell("current_role", SqlType::Name, session.current_user.as_str().into()),
        tell("user", SqlType::Name, session.current_user.as_str().into()),
        tell("session_user", SqlType::Name, session.session_user.as_str().into()),
        tell("pg_backend_pid", SqlType::Int4, Value::Integer(i64::from(session.backend_pid))),
        tell("pg_postmaster_start_time", SqlType::Timestamptz, Value::Instant(session.started_us)),
        tell("pg_conf_load_time", SqlType::Timestamptz, Value::Instant(session.started_us)),
        // A transaction's now() stands still, so it tells transactions of a session apart.
        tell("txid_current", SqlType::Int8, Value::Integer(session.now_us)),
        client(context, "inet_client_addr", SqlType::Inet, |client| client.ip().to_string().into()),
        client(context, "inet_client_port", SqlType::Int4, |client| Value::Integer(i64::from(client.port()))),
        current_schemas(context),
    ]
}

/// What is known of the client's address; NULL where it did not come over TCP.
fn client(context: &FunctionContext, name: &'static str, result: SqlType, tell: fn(SocketAddr) -> Value) -> Function {
    let session = Arc::clone(&context.session);
    Function::new(name, 0, 0, result, move |_| Ok(session.client().map_or(Value::Null, tell)))
}

fn current_schemas(context: &FunctionContext) -> Function {
    let session = Arc::clone(&context.session);
    Function::new("current_schemas", 1, 1, SqlType::NameArray, move |arguments| {
        let mut schemas = session.search_path.clone();
        if truth(arguments, 0) == Some(true) && !schemas.iter().any(|schema| schema == PG_CATALOG) {
            schemas.insert(0, PG_CATALOG.to_owned());
        }
        Ok(Value::Texts(schemas.into_iter().map(Some).collect()))
    })
}

fn settings(context: &FunctionContext) -> Vec<Function> {
    let session = Arc::clone(&context.session);
    let current_setting = Function::new("current_setting", 1, 2, SqlType::Text, move |arguments| {
        let name = text(arguments, 0).unwrap_or_default();
        match session.setting(name) {
            Some(setting) => Ok(setting.value.as_str().into()),
            None if truth(arguments, 1) == Some(true) => Ok(Value::Null),
            None => Err(sql_error(
                Code::UndefinedObject,
                format!("unrecognized configuration parameter \"{}\"", name.chars().take(80).collect::<String>()),
            )),
        }
    });
    vec![current_setting]
}

fn constants() -> Vec<Function> {
    let tell = |name, result, value: Value| Function::new(name, 0, 0, result, move |_| Ok(value.clone()));
    vec![
        tell("pg_is_in_recovery", SqlType::Bool, false.into()),
        tell("pg_is_wal_replay_paused", SqlType::Bool, false.into()),
        tell("inet_server_addr", SqlType::Inet, Value::Null),
        tell("inet_server_port", SqlType::Int4, Value::Null),
        tell("txid_current_if_assigned", SqlType::Int8, Value::Null),
        tell("pg_current_xact_id_if_assigned", SqlType::Int8, Value::Null),
        tell("pg_my_temp_schema", SqlType::Oid, Value::Integer(0)),
        tell("getdatabaseencoding", SqlType::Name, "UTF8".into()),
        tell("pg_client_encoding", SqlType::Name, "UTF8".into()),
        // No locks, cursors or temporary objects survive a statement: nothing to give back.
        tell("pg_advisory_unlock_all", SqlType::Void, Value::Null),
        Function::new("pg_is_other_temp_schema", 1, 1, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_encoding_to_char", 1, 1, SqlType::Name, |arguments| {
            let index = integer(arguments, 0).and_then(|number| usize::try_from(number).ok());
            Ok(index.and_then(|index| ENCODINGS.get(index)).copied().unwrap_or("").into())
        }),
        Function::new("pg_char_to_encoding", 1, 1, SqlType::Int4, |arguments| {
            let name = text(arguments, 0).unwrap_or_default().replace(['-', '_'], "");
            let found = ENCODINGS.iter().position(|known| known.replace('_', "").eq_ignore_ascii_case(&name));
            Ok(Value::Integer(found.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1)))
        }),
        Function::new("pg_tablespace_location", 1, 1, SqlType::Text, |_| Ok("".into())),
    ]
}
