//! Views of the client's own session: settings, activity, time zones.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, TZ_VARIANTS};

use crate::system::facts::{ActivityFacts, CatalogFacts, SessionFacts};
use crate::system::rows::{Rows, Value};

/// pg_settings.
pub(super) fn settings(session: &SessionFacts, rows: &mut Rows) {
    let mut settings: Vec<_> = session.settings.iter().collect();
    settings.sort_by_key(|setting| setting.name.to_ascii_lowercase());
    for setting in settings {
        let optional = |text: &Option<String>| Value::text_or_null(text.as_deref());
        let choices = setting.choices.iter().map(|choice| Some(choice.clone())).collect::<Vec<_>>();
        rows.push(&[
            ("name", setting.name.as_str().into()),
            ("setting", setting.bare.as_deref().unwrap_or(&setting.value).into()),
            ("unit", optional(&setting.unit)),
            ("category", setting.category.as_str().into()),
            ("short_desc", setting.description.as_str().into()),
            ("context", setting.context.as_str().into()),
            ("vartype", setting.kind.as_str().into()),
            ("source", setting.source.as_str().into()),
            ("min_val", optional(&setting.minimum)),
            ("max_val", optional(&setting.maximum)),
            ("enumvals", if choices.is_empty() { Value::Null } else { Value::Texts(choices) }),
            ("boot_val", setting.boot_value.as_str().into()),
            ("reset_val", setting.reset_value.as_str().into()),
            ("pending_restart", false.into()),
        ]);
    }
}

/// pg_stat_activity: the sessions of this node. What others do is told to superusers and to members of
/// their role or of pg_read_all_stats.
pub(super) fn activity(facts: &CatalogFacts, session: &SessionFacts, rows: &mut Rows) {
    match &session.activity {
        Some(activity) => activity.sessions().iter().for_each(|other| one_session(facts, session, other, rows)),
        None => own_session(facts, session, rows),
    }
}

fn one_session(facts: &CatalogFacts, session: &SessionFacts, other: &ActivityFacts, rows: &mut Rows) {
    let mut values = vec![
        ("datid", database_oid(facts, &other.database)),
        ("datname", other.database.as_str().into()),
        ("pid", Value::Integer(i64::from(other.pid))),
        ("usesysid", facts.role(&other.user).map_or(Value::Null, |role| role.oid.into())),
        ("usename", other.user.as_str().into()),
        ("application_name", other.application.as_str().into()),
    ];
    if may_see(facts, &session.current_user, &other.user) {
        let is_own = other.pid == session.backend_pid;
        let in_transaction = other.state.starts_with("idle in") || other.state == "active";
        values.extend([
            ("client_addr", other.client.map_or(Value::Null, |client| client.ip().to_string().into())),
            ("client_port", other.client.map_or(Value::Null, |client| Value::Integer(i64::from(client.port())))),
            ("backend_start", Value::Instant(other.started_us)),
            ("xact_start", if is_own && in_transaction { Value::Instant(session.now_us) } else { Value::Null }),
            ("query_start", other.query_started_us.map_or(Value::Null, Value::Instant)),
            ("state_change", Value::Instant(other.changed_us)),
            ("wait_event_type", if other.state == "active" { Value::Null } else { "Client".into() }),
            ("wait_event", if other.state == "active" { Value::Null } else { "ClientRead".into() }),
            ("state", other.state.into()),
            ("query", other.query.as_str().into()),
            ("backend_type", "client backend".into()),
        ]);
    } else {
        values.push(("query", "<insufficient privilege>".into()));
    }
    rows.push(&values);
}

fn database_oid(facts: &CatalogFacts, name: &str) -> Value {
    facts.catalog.databases.get(name).map_or(Value::Null, |database| database.oid.into())
}

fn may_see(facts: &CatalogFacts, user: &str, other: &str) -> bool {
    user == other || facts.is_member(user, other) || facts.is_member(user, "pg_read_all_stats")
}

fn own_session(facts: &CatalogFacts, session: &SessionFacts, rows: &mut Rows) {
    rows.push(&[
        ("datid", database_oid(facts, &facts.database)),
        ("datname", facts.database.as_str().into()),
        ("pid", Value::Integer(i64::from(session.backend_pid))),
        ("usesysid", facts.role(&session.session_user).map_or(Value::Null, |role| role.oid.into())),
        ("usename", session.session_user.as_str().into()),
        ("application_name", session.application_name.as_str().into()),
        ("query_start", Value::Instant(session.now_us)),
        ("state", "active".into()),
        ("backend_type", "client backend".into()),
    ]);
}

/// pg_prepared_statements, by name.
pub(super) fn prepared_statements(session: &SessionFacts, rows: &mut Rows) {
    let mut prepared = session.objects.as_ref().map(|objects| objects.prepared_statements()).unwrap_or_default();
    prepared.sort_by(|one, other| one.name.cmp(&other.name));
    let count = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    for statement in prepared {
        let parameters = statement.parameters.iter().map(|kind| i64::from(kind.oid())).collect();
        rows.push(&[
            ("name", statement.name.into()),
            ("statement", statement.statement.into()),
            ("prepare_time", Value::Instant(statement.prepared_us)),
            ("parameter_types", Value::Integers(parameters)),
            ("from_sql", statement.from_sql.into()),
            ("generic_plans", count(statement.plans_used)),
            ("custom_plans", count(statement.plans_made)),
        ]);
    }
}

/// pg_cursors, by name.
pub(super) fn cursors(session: &SessionFacts, rows: &mut Rows) {
    let mut cursors = session.objects.as_ref().map(|objects| objects.cursors()).unwrap_or_default();
    cursors.sort_by(|one, other| one.name.cmp(&other.name));
    for cursor in cursors {
        rows.push(&[
            ("name", cursor.name.into()),
            ("statement", cursor.statement.into()),
            ("is_holdable", cursor.is_holdable.into()),
            ("is_binary", cursor.is_binary.into()),
            ("is_scrollable", cursor.is_scrollable.into()),
            ("creation_time", Value::Instant(cursor.created_us)),
        ]);
    }
}

/// pg_timezone_names: the zones that `SET TimeZone` takes, as they are at the statement's now().
pub(super) fn zones(session: &SessionFacts, rows: &mut Rows) {
    let now = DateTime::<Utc>::from_timestamp_micros(session.now_us).unwrap_or_default();
    for zone in TZ_VARIANTS {
        let offset = zone.offset_from_utc_datetime(&now.naive_utc());
        let seconds = i64::from(offset.fix().local_minus_utc());
        rows.push(&[
            ("name", zone.name().into()),
            ("abbrev", offset.abbreviation().unwrap_or("").into()),
            ("utc_offset", Value::Span(seconds * 1_000_000)),
            ("is_dst", (!offset.dst_offset().is_zero()).into()),
        ]);
    }
}
