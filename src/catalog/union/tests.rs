//! One catalog out of what several nodes made.

use std::sync::Arc;

use super::*;
use crate::catalog::{EnumLabel, Relational, Table, UserType, View, builtin};

const KUBE: u32 = 100_000;

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("name")
}

fn database(oid: u32) -> Entry {
    let made = DatabaseEntry { name: "kube".to_owned(), owner: Some("admin".to_owned()), comment: String::new() };
    Entry { oid, database: oid, object: Object::Database(made) }
}

fn table(oid: u32, name: &str, home: &str) -> Entry {
    let columns = vec![Column::new(1, "id", SqlType::Int4)];
    let relational = Relational {
        home: node(home),
        owner: "admin".to_owned(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        columns_made: 1,
        temporary: false,
    };
    let table = Table::new(oid, "public", name, Scope::Relational, "", columns);
    Entry { oid, database: KUBE, object: Object::Table(Table { relational: Some(relational), ..table }) }
}

fn view(oid: u32, name: &str, sql: &str) -> Entry {
    let view = View {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        sql: sql.to_owned(),
        comment: String::new(),
        owner: Some("admin".to_owned()),
        columns: vec![Column::new(1, "id", SqlType::Int4)],
    };
    Entry { oid, database: KUBE, object: Object::View(view) }
}

fn published(name: &str, entries: Vec<Entry>) -> Arc<Published> {
    Arc::new(Published { node: node(name), entries })
}

fn own(entries: &[Entry]) -> Arc<Catalog> {
    Arc::new(builtin().expect("built-in catalog").with_entries(entries))
}

fn names(union: &Union) -> Vec<String> {
    let public = &union.catalog.databases["kube"].schemas["public"];
    public.tables.keys().chain(public.views.keys()).cloned().collect()
}

#[test]
fn what_others_made_is_there_under_its_name_and_home() {
    let mut policies = table(KUBE + 1, "policies", "edge-1");
    let Object::Table(made) = &mut policies.object else { panic!("a table") };
    // A length is no scale, however long.
    made.columns.push(Column { modifier: SqlType::length_modifier(1_000), ..Column::new(2, "name", SqlType::Varchar) });
    let other = published("edge-1", vec![policies, database(KUBE)]);
    let union = Union::of(&own(&[]), &[other]);
    assert_eq!(names(&union), ["policies"]);
    assert_eq!((union.home_of(KUBE + 1), union.home_of(KUBE)), (Some(&node("edge-1")), Some(&node("edge-1"))));
    assert!(union.catalog.databases["kube"].schemas.contains_key("mesh"));
    assert_eq!(union.hidden, []);
    let nobody = own(&[database(KUBE)]);
    assert!(Arc::ptr_eq(&Union::of(&nobody, &[published("edge-1", vec![])]).catalog, &nobody));
}

#[test]
fn databases_of_one_name_are_one_under_the_lowest_object_id() {
    let second = Entry { database: KUBE + 500, ..table(KUBE + 501, "pods", "edge-2") };
    let others = [
        published("edge-2", vec![database(KUBE + 500), second]),
        published("edge-1", vec![database(KUBE), table(KUBE + 1, "policies", "edge-1")]),
    ];
    let union = Union::of(&own(&[]), &others);
    assert_eq!(names(&union), ["pods", "policies"]);
    assert_eq!(union.catalog.databases["kube"].oid, KUBE);
    let mut turned = others.clone();
    turned.reverse();
    assert_eq!(Union::of(&own(&[]), &turned), union);
}

#[test]
fn a_name_of_two_nodes_means_neither_and_an_own_one_stays() {
    let of = |name: &str, oid| {
        let reads = view(oid + 1, &format!("of_{}", oid), "SELECT id FROM public.policies");
        published(name, vec![database(KUBE), table(oid, "policies", name), reads])
    };
    let others = [of("edge-1", KUBE + 10), of("edge-2", KUBE + 20)];
    let union = Union::of(&own(&[]), &others);
    assert_eq!(names(&union), ["policies@edge-1", "policies@edge-2"], "and no view that might mean another table");
    assert_eq!(union.hidden.len(), 4);
    let union = Union::of(&own(&[database(KUBE), table(KUBE + 30, "policies", "edge-3")]), &others);
    assert_eq!(names(&union), ["policies", "policies@edge-1", "policies@edge-2"]);
    assert_eq!(union.home_of(KUBE + 30), None);
    assert_eq!(union.home_of(KUBE + 20), Some(&node("edge-2")));
}

#[test]
fn nobody_speaks_for_another_node_or_for_what_is_built_in() {
    let in_kubearmor = |entry: Entry| Entry { database: super::super::builtin::DATABASE_OID, ..entry };
    let mut in_mesh = table(KUBE + 4, "nodes", "edge-1");
    let Object::Table(inner) = &mut in_mesh.object else { panic!("a table") };
    inner.schema = "mesh".to_owned();
    let bad = [
        table(KUBE + 1, "of_another", "edge-2"),
        table(5, "built_in", "edge-1"),
        table(KUBE, "same_id", "edge-1"),
        table(KUBE + 2, "bad\u{0}name", "edge-1"),
        in_mesh,
    ];
    let entries = [database(KUBE)].into_iter().chain(bad).chain([in_kubearmor(table(KUBE + 7, "logs", "edge-1"))]);
    let union = Union::of(&own(&[]), &[published("edge-1", entries.collect())]);
    assert_eq!(names(&union), Vec::<String>::new());
    assert_eq!(union.hidden.len(), 6);
    let logs = union.catalog.event_table("logs").expect("the event table");
    assert_eq!((logs.scope, union.home_of(logs.oid)), (Scope::Event, None));
    assert!(union.catalog.table("kubearmor", "public", "logs@edge-1").is_some());
}

#[test]
fn what_a_node_tells_is_what_it_made_for_good() {
    let mut temporary = table(KUBE + 2, "scratch", "edge-1");
    let Object::Table(Table { relational: Some(relational), .. }) = &mut temporary.object else { panic!("a table") };
    relational.temporary = true;
    let kind = UserType {
        oid: KUBE + 3,
        array_oid: KUBE + 4,
        schema: "public".to_owned(),
        name: "level".to_owned(),
        owner: "admin".to_owned(),
        kind: UserTypeKind::Enum { labels: vec![EnumLabel { oid: KUBE + 5, label: "low".to_owned() }] },
        comment: String::new(),
    };
    let kind = Entry { oid: KUBE + 3, database: KUBE, object: Object::Type(kind) };
    let made = [database(KUBE), kind, table(KUBE + 1, "policies", "edge-1")];
    let mut all = made.to_vec();
    all.push(temporary);
    assert_eq!(own(&all).made_entries(), made);
    let json = serde_json::to_string(&published("edge-1", made.to_vec()).as_ref()).expect("written");
    assert_eq!(serde_json::from_str::<Published>(&json).expect("read").entries, made);
}
