//! Who may do what. Everybody may look at what is there from the start; what a user created is its owner's.

use super::View;
use crate::system::OWNER_OID;
use crate::system::lookup::Relation;
use crate::system::relations::{PG_CATALOG, SystemRelation};
use crate::system::rows::{Rows, Value};
use crate::system::type_facts::TYPES;

/// What the owner of a table may do, and everybody with what is there from the start.
const OF_OWNER: &[&str] = &["INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
const OF_EVERYBODY: &[&str] = &["SELECT"];

/// What can be done with a single column.
const OF_COLUMNS: &[&str] = &["INSERT", "SELECT", "UPDATE", "REFERENCES"];

impl View<'_> {
    /// Who grants, to whom, and whether on: the owner to itself, or the system's owner to everybody.
    fn grant(&self, relation: &Relation<'_>) -> Vec<(&'static str, Value)> {
        let owner = self.owner(relation);
        let is_private = relation.is_private();
        vec![
            ("grantor", owner.clone()),
            ("grantee", if is_private { owner } else { "PUBLIC".into() }),
            ("is_grantable", if is_private { "YES" } else { "NO" }.into()),
        ]
    }

    /// The relations that a view of grants tells of; those of roles leave out what is given to everybody.
    fn granted(&self, of: &SystemRelation) -> Vec<Relation<'_>> {
        let of_roles = of.name.starts_with("role_");
        let mut relations = self.tables_and_views();
        relations.retain(|relation| !of_roles || relation.is_private());
        relations
    }

    /// `table_privileges` and `role_table_grants`.
    pub(super) fn table_privileges(&self, of: &SystemRelation, rows: &mut Rows) {
        for relation in self.granted(of) {
            for privilege in if relation.is_private() { OF_OWNER } else { OF_EVERYBODY } {
                let mut values = self.grant(&relation);
                values.extend([
                    ("table_catalog", self.database()),
                    ("table_schema", relation.schema.into()),
                    ("table_name", relation.name.into()),
                    ("privilege_type", (*privilege).into()),
                    ("with_hierarchy", if *privilege == "SELECT" { "YES" } else { "NO" }.into()),
                ]);
                rows.push(&values);
            }
        }
    }

    /// `column_privileges` and `role_column_grants`.
    pub(super) fn column_privileges(&self, of: &SystemRelation, rows: &mut Rows) {
        for relation in self.granted(of) {
            for attribute in self.facts.attributes(&relation) {
                for privilege in if relation.is_private() { OF_COLUMNS } else { OF_EVERYBODY } {
                    let mut values = self.grant(&relation);
                    values.extend(self.names(&relation, &attribute));
                    values.push(("privilege_type", (*privilege).into()));
                    rows.push(&values);
                }
            }
        }
    }

    /// `usage_privileges` and `role_usage_grants`: collations and domains.
    pub(super) fn usage_privileges(&self, of: &SystemRelation, rows: &mut Rows) {
        let of_roles = of.name.starts_with("role_");
        let everybody = || Value::from("PUBLIC");
        if !of_roles {
            for name in ["default", "C", "POSIX", "ucs_basic"] {
                let object = (PG_CATALOG, name, "COLLATION");
                self.usage(self.system_owner(), everybody(), object, rows);
            }
        }
        for (oid, domain, _) in self.user_domains() {
            let owner = self.type_owner(oid);
            let object = (domain.schema.as_str(), domain.name.as_str(), "DOMAIN");
            if !of_roles {
                self.usage(owner.clone(), everybody(), object, rows);
            }
            if self.owns_type(oid) {
                self.usage(owner.clone(), owner, object, rows);
            }
        }
    }

    fn usage(&self, grantor: Value, grantee: Value, (schema, name, kind): (&str, &str, &str), rows: &mut Rows) {
        rows.push(&[
            ("is_grantable", if grantor == grantee { "YES" } else { "NO" }.into()),
            ("grantor", grantor),
            ("grantee", grantee),
            ("object_catalog", self.database()),
            ("object_schema", schema.into()),
            ("object_name", name.into()),
            ("object_type", kind.into()),
            ("privilege_type", "USAGE".into()),
        ]);
    }

    fn type_owner(&self, oid: u32) -> Value {
        let owner = self.facts.user_type(oid).map(|user_type| user_type.owner.as_str());
        Value::text_or_null(self.facts.role_name(self.facts.owner(owner)))
    }

    /// `udt_privileges`: row types, as on PostgreSQL.
    pub(super) fn type_privileges(&self, rows: &mut Rows) {
        let mut composite: Vec<_> = TYPES.iter().filter(|(_, facts)| facts.category == 'C').collect();
        composite.sort_unstable_by_key(|(oid, _)| **oid);
        for (_, facts) in composite {
            self.type_privilege(&facts.schema, &facts.name, OWNER_OID, rows);
        }
        for relation in self.facts.own_relations().iter().filter(|relation| relation.has_rows()) {
            self.type_privilege(relation.schema, relation.name, relation.owner, rows);
        }
    }

    /// Everybody may use a type; its owner may let others do so.
    fn type_privilege(&self, schema: &str, name: &str, owner: u32, rows: &mut Rows) {
        let grantor = Value::text_or_null(self.facts.role_name(owner));
        let to_owner = self.is_mine(owner).then(|| (grantor.clone(), "YES"));
        for (grantee, is_grantable) in [(Value::from("PUBLIC"), "NO")].into_iter().chain(to_owner) {
            rows.push(&[
                ("grantor", grantor.clone()),
                ("grantee", grantee),
                ("udt_catalog", self.database()),
                ("udt_schema", schema.into()),
                ("udt_name", name.into()),
                ("privilege_type", "TYPE USAGE".into()),
                ("is_grantable", is_grantable.into()),
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
