//! Roles and who is a member of which. No password ever appears here, not even as a verifier.

use crate::system::facts::{CatalogFacts, OWNER_OID, RoleFacts};
use crate::system::relations::SystemRelation;
use crate::system::rows::{Rows, Value};

/// Offset of the object ids of memberships, which the catalog does not number.
const MEMBERSHIP_BASE: u32 = 0x5000_0000;

/// pg_authid and the views over it: pg_roles, pg_user, pg_shadow, pg_group.
pub(super) fn roles(facts: &CatalogFacts, relation: &SystemRelation, rows: &mut Rows) {
    for role in &facts.roles {
        match relation.name {
            "pg_group" if !role.can_login => rows.push(&[
                ("groname", role.name.as_str().into()),
                ("grosysid", role.oid.into()),
                ("grolist", Value::Integers(members(facts, role.oid))),
            ]),
            "pg_group" => {}
            "pg_user" | "pg_shadow" if role.can_login => user(role, relation.name == "pg_user", rows),
            "pg_user" | "pg_shadow" => {}
            name => rows.push(&role_values(role, name == "pg_roles")),
        }
    }
}

fn members(facts: &CatalogFacts, group: u32) -> Vec<i64> {
    let members = facts.roles.iter().filter(|role| role.member_of.contains(&group));
    members.map(|role| i64::from(role.oid)).collect()
}

fn role_values(role: &RoleFacts, masks_password: bool) -> Vec<(&'static str, Value)> {
    vec![
        ("oid", role.oid.into()),
        ("rolname", role.name.as_str().into()),
        ("rolsuper", role.is_superuser.into()),
        ("rolinherit", true.into()),
        ("rolcreaterole", role.can_create_role.into()),
        ("rolcreatedb", role.can_create_database.into()),
        ("rolcanlogin", role.can_login.into()),
        ("rolreplication", false.into()),
        ("rolbypassrls", role.is_superuser.into()),
        ("rolconnlimit", Value::Integer(-1)),
        ("rolpassword", if masks_password { "********".into() } else { Value::Null }),
    ]
}

fn user(role: &RoleFacts, masks_password: bool, rows: &mut Rows) {
    rows.push(&[
        ("usename", role.name.as_str().into()),
        ("usesysid", role.oid.into()),
        ("usecreatedb", role.can_create_database.into()),
        ("usesuper", role.is_superuser.into()),
        ("userepl", false.into()),
        ("usebypassrls", role.is_superuser.into()),
        ("passwd", if masks_password { "********".into() } else { Value::Null }),
    ]);
}

/// pg_auth_members.
pub(super) fn memberships(facts: &CatalogFacts, rows: &mut Rows) {
    let pairs = facts.roles.iter().flat_map(|role| role.member_of.iter().map(move |group| (*group, role.oid)));
    for (index, (group, member)) in pairs.enumerate() {
        let offset = u32::try_from(index).unwrap_or(0);
        rows.push_known(&[
            ("oid", (MEMBERSHIP_BASE + offset).into()),
            ("roleid", group.into()),
            ("member", member.into()),
            ("grantor", OWNER_OID.into()),
        ]);
    }
}
