//! Views of the client's own session: settings, activity, time zones.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, TZ_VARIANTS};

use crate::system::facts::{CatalogFacts, SessionFacts};
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
            ("setting", setting.value.as_str().into()),
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

/// pg_stat_activity: this session; a node does not show one client to another.
pub(super) fn activity(facts: &CatalogFacts, session: &SessionFacts, rows: &mut Rows) {
    let database = facts.catalog.databases.get(&facts.database);
    rows.push(&[
        ("datid", database.map_or(Value::Null, |database| database.oid.into())),
        ("datname", facts.database.as_str().into()),
        ("pid", Value::Integer(i64::from(session.backend_pid))),
        ("usesysid", facts.role(&session.session_user).map_or(Value::Null, |role| role.oid.into())),
        ("usename", session.session_user.as_str().into()),
        ("application_name", session.application_name.as_str().into()),
        ("client_addr", Value::text_or_null(session.client_address.as_deref())),
        ("query_start", Value::Instant(session.now_us)),
        ("state", "active".into()),
        ("backend_type", "client backend".into()),
    ]);
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
