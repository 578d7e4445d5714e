//! Who may do what. Everybody may look at everything; nothing here can be given on.

use super::View;
use crate::system::lookup::TYPES;
use crate::system::relations::{PG_CATALOG, SystemRelation};
use crate::system::rows::{Rows, Value};

impl View<'_> {
    /// `table_privileges`; `role_table_grants` leaves out what is given to everybody.
    pub(super) fn table_privileges(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            rows.push(&[
                ("grantor", self.owner(&relation)),
                ("grantee", "PUBLIC".into()),
                ("table_catalog", self.database()),
                ("table_schema", relation.schema.into()),
                ("table_name", relation.name.into()),
                ("privilege_type", "SELECT".into()),
                ("is_grantable", "NO".into()),
                ("with_hierarchy", "YES".into()),
            ]);
        }
    }

    /// `column_privileges`.
    pub(super) fn column_privileges(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            for attribute in self.facts.attributes(&relation) {
                rows.push(&[
                    ("grantor", self.owner(&relation)),
                    ("grantee", "PUBLIC".into()),
                    ("table_catalog", self.database()),
                    ("table_schema", relation.schema.into()),
                    ("table_name", relation.name.into()),
                    ("column_name", attribute.name.as_str().into()),
                    ("privilege_type", "SELECT".into()),
                    ("is_grantable", "NO".into()),
                ]);
            }
        }
    }

    /// `usage_privileges`: collations.
    pub(super) fn usage_privileges(&self, rows: &mut Rows) {
        for name in ["default", "C", "POSIX", "ucs_basic"] {
            rows.push(&[
                ("grantor", self.system_owner()),
                ("grantee", "PUBLIC".into()),
                ("object_catalog", self.database()),
                ("object_schema", PG_CATALOG.into()),
                ("object_name", name.into()),
                ("object_type", "COLLATION".into()),
                ("privilege_type", "USAGE".into()),
                ("is_grantable", "NO".into()),
            ]);
        }
    }

    /// `udt_privileges`: row types of the system tables, as on PostgreSQL.
    pub(super) fn type_privileges(&self, rows: &mut Rows) {
        let mut composite: Vec<_> = TYPES.iter().filter(|(_, facts)| facts.category == 'C').collect();
        composite.sort_unstable_by_key(|(oid, _)| **oid);
        for (_, facts) in composite {
            rows.push(&[
                ("grantor", self.system_owner()),
                ("grantee", "PUBLIC".into()),
                ("udt_catalog", self.database()),
                ("udt_schema", PG_CATALOG.into()),
                ("udt_name", facts.name.as_str().into()),
                ("privilege_type", "TYPE USAGE".into()),
                ("is_grantable", "NO".into()),
            ]);
        }
    }

    /// The user's own roles, directly or through membership.
    pub(super) fn enabled_roles(&self, relation: &SystemRelation, rows: &mut Rows) {
        let Some(user) = self.facts.role(&self.session.current_user) else { return };
        let mut members = vec![user];
        let mut next = 0;
        while let Some(member) = members.get(next).copied() {
            next += 1;
            if relation.name == "enabled_roles" {
                rows.push(&[("role_name", member.name.as_str().into())]);
            }
            for group in self.facts.roles.iter().filter(|role| member.member_of.contains(&role.oid)) {
                if relation.name == "applicable_roles" {
                    rows.push(&[
                        ("grantee", member.name.as_str().into()),
                        ("role_name", group.name.as_str().into()),
                        ("is_grantable", "NO".into()),
                    ]);
                }
                if !members.iter().any(|known| known.oid == group.oid) {
                    members.push(group);
                }
            }
        }
    }

    fn system_owner(&self) -> Value {
        Value::text_or_null(self.facts.role_name(crate::system::OWNER_OID))
    }
}
