//! ALTER ROLE ... SET and ALTER DATABASE ... SET: settings that new sessions start with.

use crate::types::SqlError;

use super::super::statement::{SetValue, Statement, StoredChange, StoredRole, StoredScope};
use super::{Reader, settings};

/// Words behind ALTER that name what has stored settings.
const ROLES: [&str; 2] = ["ROLE", "USER"];
/// The command's tag on success.
const ROLE_TAG: &str = "ALTER ROLE";
const DATABASE_TAG: &str = "ALTER DATABASE";

/// Whether the statement behind ALTER is one of these; others of the same start are not known here.
pub(super) fn is_stored(reader: &Reader<'_>) -> bool {
    let first = reader.peek_keyword();
    (ROLES.contains(&first.as_str()) || first == "DATABASE") && reader.has_keyword_within(&["SET", "RESET"], 6)
}

/// What follows ALTER.
pub(super) fn alter(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let is_role = ROLES.iter().any(|keyword| reader.take_keyword(keyword));
    if !is_role {
        reader.expect_keyword("DATABASE")?;
        let scope = StoredScope { role: StoredRole::All, database: Some(reader.name()?) };
        return Ok(Statement::AlterSettings { tag: DATABASE_TAG, scope, change: change(reader)? });
    }
    let role = if reader.take_keyword("ALL") {
        StoredRole::All
    } else if ["CURRENT_USER", "CURRENT_ROLE", "SESSION_USER"].iter().any(|keyword| reader.take_keyword(keyword)) {
        StoredRole::Current
    } else {
        StoredRole::Named(reader.name()?)
    };
    let database = if reader.take_keywords(&["IN", "DATABASE"]) { Some(reader.name()?) } else { None };
    Ok(Statement::AlterSettings { tag: ROLE_TAG, scope: StoredScope { role, database }, change: change(reader)? })
}

fn change(reader: &mut Reader<'_>) -> Result<StoredChange, SqlError> {
    if reader.take_keyword("RESET") {
        if reader.take_keyword("ALL") {
            return Ok(StoredChange::ResetAll);
        }
        return Ok(StoredChange::Reset(settings::spelled_name(reader)?));
    }
    reader.expect_keyword("SET")?;
    if reader.take_keywords(&["TIME", "ZONE"]) {
        let value = settings::time_zone(reader)?;
        return Ok(set(String::from("timezone"), value));
    }
    let name = settings::setting_name(reader)?;
    if reader.take_keywords(&["FROM", "CURRENT"]) {
        return Ok(StoredChange::FromCurrent(name));
    }
    settings::assignment(reader)?;
    let value = settings::values(reader)?;
    Ok(set(name, value))
}

/// SET ... TO DEFAULT takes the stored value away.
fn set(name: String, value: SetValue) -> StoredChange {
    match value {
        SetValue::Default => StoredChange::Reset(name),
        value => StoredChange::Set { name, value },
    }
}
