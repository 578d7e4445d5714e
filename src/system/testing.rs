//! The catalog of a database with users' tables, for tests: policies and alerts with keys, indexes, sequences, an
//! enum and a view, and a second schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{
    Catalog, Column, Constraint, Database, EnumLabel, ForeignAction, Identity, Index, IndexKey, MESH, PUBLIC,
    Relational, Rule, Schema, Scope, Sequence, Table, UserType, UserTypeKind, View, builtin,
};
use crate::types::{NodeName, SqlType};

/// The name of the database.
pub(crate) const KUBE: &str = "kube";
/// Its object ids.
pub(crate) const POLICIES: u32 = 100_010;
pub(crate) const ALERTS: u32 = 100_040;
const POLICIES_KEY: u32 = 100_015;
const LEVEL: u32 = 100_000;
const OWNER: &str = "armorlake";

fn home() -> NodeName {
    NodeName::new("edge-1").expect("name of a node")
}

/// A column, with `!` behind the type for NOT NULL.
fn column(number: i16, name: &str, declared: &str) -> Column {
    let bare = declared.trim_end_matches('!');
    let (kind, modifier) = match bare.split_once('(') {
        Some((kind, rest)) => {
            let numbers: Vec<i32> = rest.trim_end_matches(')').split(',').filter_map(|one| one.parse().ok()).collect();
            let modifier = match kind {
                "numeric" => SqlType::numeric_modifier(numbers[0], numbers[1]),
                _ => SqlType::length_modifier(numbers[0]),
            };
            (kind, modifier)
        }
        None => (bare, -1),
    };
    let (sql_type, user_type) = match kind {
        "severity_level" => (SqlType::Text, Some(LEVEL)),
        kind => (SqlType::from_name(kind).expect(kind), None),
    };
    Column { modifier, user_type, not_null: declared.ends_with('!'), ..Column::new(number, name, sql_type) }
}

/// A table of columns that are written `name type, ...`, with these defaults.
fn table(oid: u32, schema: &str, name: &str, columns: &str, defaults: &[(&str, &str)]) -> Table {
    let columns = (1..).zip(columns.split(", ")).map(|(number, text)| {
        let (name, kind) = text.split_once(' ').expect("a name and a type");
        let default = defaults.iter().find(|(of, _)| *of == name).map(|(_, default)| (*default).to_owned());
        Column { default, ..column(number, name, kind) }
    });
    let relational = Relational {
        columns_made: 0,
        home: home(),
        owner: OWNER.to_owned(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        temporary: false,
    };
    let table = Table::new(oid, schema, name, Scope::Relational, "", columns.collect());
    Table { relational: Some(relational), ..table }
}

impl Table {
    fn parts(&mut self) -> &mut Relational {
        self.relational.as_mut().expect("a relational table")
    }

    /// An index over columns, negative where the largest come first.
    fn with_index(mut self, oid: u32, name: &str, unique: bool, columns: &[i16]) -> Self {
        let key = |column: &i16| IndexKey {
            column: Some(column.abs()),
            expression: None,
            descending: *column < 0,
            nulls_first: *column < 0,
        };
        let keys = columns.iter().map(key).collect();
        self.parts().indexes.push(Index {
            oid,
            name: name.to_owned(),
            unique,
            nulls_not_distinct: false,
            keys,
            include: Vec::new(),
            predicate: None,
            comment: String::new(),
        });
        self
    }

    fn with_constraint(mut self, oid: u32, name: &str, rule: Rule, columns: &[i16]) -> Self {
        let (name, columns) = (name.to_owned(), columns.to_vec());
        self.parts().constraints.push(Constraint { oid, name, rule, columns, comment: String::new() });
        self
    }

    /// A primary key over the first column; its index has the object id after that of the constraint.
    fn with_primary_key(self, oid: u32) -> Self {
        let name = format!("{}_pkey", self.name);
        let rule = Rule::PrimaryKey { index: oid + 1 };
        self.with_index(oid + 1, &name, true, &[1]).with_constraint(oid, &name, rule, &[1])
    }

    fn with_comment(mut self, comment: &str) -> Self {
        comment.clone_into(&mut self.comment);
        self
    }
}

fn policies() -> Table {
    let columns = "id int4!, name varchar(64)!, namespace text!, level severity_level!, enabled bool!, spec json";
    let defaults = [
        ("id", "nextval('policies_id_seq'::regclass)"),
        ("namespace", "'default'::text"),
        ("level", "'low'::severity_level"),
        ("enabled", "true"),
    ];
    table(POLICIES, PUBLIC, "policies", columns, &defaults)
        .with_primary_key(POLICIES_KEY - 1)
        .with_index(100_017, "policies_name_key", true, &[2])
        .with_constraint(100_018, "policies_name_key", Rule::Unique { index: 100_017 }, &[2])
        .with_comment("KubeArmor policies")
}

fn alerts() -> Table {
    let columns = "id int8!, ts timestamptz!, cluster_name text!, namespace text, pod_name varchar(128), \
        policy_id int4, policy_name text, severity int4!, action text, message text, pid int8, score float8, \
        ratio float4, cost numeric(12,4), blocked bool, tags _text, labels jsonb, resource json, event_date date, \
        created timestamp, uid uuid, raw bytea, ttl interval, src_ip inet, t time, c bpchar(3), small int2";
    let defaults = [("id", "nextval('alerts_id_seq'::regclass)"), ("severity", "1")];
    let to_policies = Rule::ForeignKey {
        table: POLICIES,
        referenced: vec![1],
        on_update: ForeignAction::NoAction,
        on_delete: ForeignAction::NoAction,
    };
    let mut table = table(ALERTS, PUBLIC, "alerts", columns, &defaults)
        .with_primary_key(100_041)
        .with_constraint(100_043, "alerts_policy_id_fkey", to_policies, &[6])
        .with_index(100_044, "alerts_ts_idx", false, &[-2])
        .with_index(100_045, "alerts_ns_idx", false, &[4, 5])
        .with_comment("KubeArmor alerts");
    "event time".clone_into(&mut table.columns[1].comment);
    table
}

fn logs() -> Table {
    let columns = "id int8!, ts timestamptz!, cluster_name text, namespace text, operation text, source text, \
        resource text, result text, pid int4, data jsonb, epoch int8";
    table(100_060, PUBLIC, "logs", columns, &[("id", "nextval('logs_id_seq'::regclass)")])
        .with_primary_key(100_061)
        .with_index(100_063, "logs_ts_idx", false, &[2])
}

fn sequence(oid: u32, name: &str, table: u32, type_oid: u32) -> Sequence {
    Sequence {
        oid,
        schema: PUBLIC.to_owned(),
        name: name.to_owned(),
        home: home(),
        owner: OWNER.to_owned(),
        type_oid,
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: if type_oid == SqlType::Int4.oid() { i32::MAX.into() } else { i64::MAX },
        cache: 1,
        cycle: false,
        owned_by: Some((table, 1)),
        internal: false,
        comment: String::new(),
    }
}

fn level() -> UserType {
    let labels = (LEVEL + 2..).zip(["low", "medium", "high", "critical"]);
    let labels = labels.map(|(oid, label)| EnumLabel { oid, label: label.to_owned() }).collect();
    UserType {
        oid: LEVEL,
        array_oid: LEVEL + 1,
        schema: PUBLIC.to_owned(),
        name: "severity_level".to_owned(),
        owner: OWNER.to_owned(),
        kind: UserTypeKind::Enum { labels },
        comment: String::new(),
    }
}

fn summary() -> View {
    let columns = ["cluster_name text", "namespace text", "severity int4", "n int8", "last_ts timestamptz"];
    let columns = (1..).zip(columns).map(|(number, text)| {
        let (name, kind) = text.split_once(' ').expect("a name and a type");
        column(number, name, kind)
    });
    View {
        oid: 100_080,
        schema: PUBLIC.to_owned(),
        name: "alert_summary".to_owned(),
        sql: "SELECT cluster_name, namespace, severity, count(*) AS n, max(ts) AS last_ts\n   FROM alerts\n  \
              GROUP BY cluster_name, namespace, severity"
            .to_owned(),
        comment: String::new(),
        owner: Some(OWNER.to_owned()),
        columns: columns.collect(),
    }
}

/// The built-in catalog with the database [`KUBE`] beside its own.
pub(crate) fn kube() -> Catalog {
    let mut catalog = builtin().expect("built-in catalog");
    let by_name = |table: Table| (table.name.clone(), Arc::new(table));
    let sequences = [
        sequence(100_009, "policies_id_seq", POLICIES, SqlType::Int4.oid()),
        sequence(100_039, "alerts_id_seq", ALERTS, SqlType::Int8.oid()),
        sequence(100_059, "logs_id_seq", 100_060, SqlType::Int8.oid()),
    ];
    let public = Schema {
        oid: 2_200,
        tables: BTreeMap::from([policies(), alerts(), logs()].map(by_name)),
        views: BTreeMap::from([("alert_summary".to_owned(), Arc::new(summary()))]),
        sequences: BTreeMap::from(sequences.map(|sequence| (sequence.name.clone(), Arc::new(sequence)))),
        types: BTreeMap::from([("severity_level".to_owned(), Arc::new(level()))]),
        ..Schema::default()
    };
    let nodes = table(100_091, "edge", "nodes", "node text!, region text, up bool, cpu float8, seen timestamptz", &[]);
    let edge = Schema {
        oid: 100_090,
        tables: BTreeMap::from([by_name(nodes.with_primary_key(100_092))]),
        owner: Some(OWNER.to_owned()),
        ..Schema::default()
    };
    let mesh = catalog.databases["kubearmor"].schemas[MESH].clone();
    let schemas = [(PUBLIC, public), ("edge", edge), (MESH, mesh)].map(|(name, schema)| (name.to_owned(), schema));
    let database = Database {
        oid: 99_999,
        name: KUBE.to_owned(),
        comment: String::new(),
        owner: Some(OWNER.to_owned()),
        schemas: BTreeMap::from(schemas),
    };
    catalog.databases.insert(KUBE.to_owned(), database);
    catalog
}

/// [`kube`] with a schema `stock`: a domain, checks, an identity and a generated column, a dropped column, a partial
/// index over an expression, a foreign key with actions, an array of an enum.
pub(crate) fn kube_with_stock() -> Catalog {
    let mut catalog = kube();
    let stock = Schema {
        oid: 100_200,
        tables: BTreeMap::from([assets(), parts()].map(|table| (table.name.clone(), Arc::new(table)))),
        sequences: BTreeMap::from([("assets_id_seq".to_owned(), Arc::new(asset_ids()))]),
        types: BTreeMap::from([("code".to_owned(), Arc::new(code()))]),
        owner: Some("analyst".to_owned()),
        comment: "what there is".to_owned(),
        ..Schema::default()
    };
    let kube = catalog.databases.get_mut(KUBE).expect("the database");
    kube.schemas.insert("stock".to_owned(), stock);
    catalog
}

fn code() -> UserType {
    let check = Constraint {
        oid: 100_204,
        name: "code_check".to_owned(),
        rule: Rule::Check { expression: "((VALUE)::text ~ '^[a-z]+$'::text)".to_owned() },
        columns: Vec::new(),
        comment: String::new(),
    };
    UserType {
        oid: 100_202,
        array_oid: 100_203,
        schema: "stock".to_owned(),
        name: "code".to_owned(),
        owner: "analyst".to_owned(),
        kind: UserTypeKind::Domain {
            base: SqlType::Varchar.oid(),
            modifier: SqlType::length_modifier(8),
            not_null: true,
            default: Some("'x'::character varying".to_owned()),
            checks: vec![check],
        },
        comment: "short name".to_owned(),
    }
}

fn asset_ids() -> Sequence {
    Sequence {
        schema: "stock".to_owned(),
        owner: "analyst".to_owned(),
        internal: true,
        ..sequence(100_209, "assets_id_seq", 100_210, SqlType::Int4.oid())
    }
}

fn assets() -> Table {
    let columns = "id int4!, code varchar, price numeric(8,2), twice numeric, owner text";
    let mut table = table(100_210, "stock", "assets", columns, &[]).with_primary_key(100_211);
    let columns = table.columns.clone().into_iter().map(|column| match column.name.as_str() {
        "id" => Column { identity: Some(Identity::Always), ..column },
        "code" => Column { number: 3, user_type: Some(100_202), ..column },
        "price" => Column { number: 4, ..column },
        "twice" => Column { number: 5, generated: Some("(price * (2)::numeric)".to_owned()), ..column },
        _ => Column { number: 6, ..column },
    });
    table.columns = columns.collect();
    let price = Rule::Check { expression: "(price > (0)::numeric)".to_owned() };
    let mut table = table
        .with_constraint(100_213, "assets_price_check", price, &[4])
        .with_index(100_214, "assets_code_owner_key", true, &[3, 6])
        .with_constraint(100_215, "assets_code_owner_key", Rule::Unique { index: 100_214 }, &[3, 6])
        .with_index(100_216, "assets_lower_idx", true, &[6, -4]);
    let parts = table.parts();
    parts.owner = "analyst".to_owned();
    parts.indexes[1].nulls_not_distinct = true;
    let index = &mut parts.indexes[2];
    index.keys[0] = IndexKey { column: None, expression: Some("lower(owner)".to_owned()), ..index.keys[0].clone() };
    index.keys[1].nulls_first = false;
    index.include = vec![3];
    index.predicate = Some("(price > (10)::numeric)".to_owned());
    table
}

fn parts() -> Table {
    let to_assets = Rule::ForeignKey {
        table: 100_210,
        referenced: vec![1],
        on_update: ForeignAction::Cascade,
        on_delete: ForeignAction::SetNull,
    };
    let mut table = table(100_220, "stock", "parts", "asset int4, code text, kinds _text", &[]).with_constraint(
        100_221,
        "parts_asset_fkey",
        to_assets,
        &[1],
    );
    table.columns[2].user_type = Some(LEVEL + 1);
    table.parts().owner = "analyst".to_owned();
    table
}
