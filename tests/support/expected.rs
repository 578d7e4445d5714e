//! What a row must show of a KubeArmor event, by the rules for the columns and by nothing else: this
//! reads the JSON itself and knows no code of the program, so that both cannot be wrong together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use chrono::DateTime;
use regex::Regex;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The value of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Int(i32),
    /// Microseconds since 1970 UTC.
    Time(i64),
    Json(Value),
    Address(IpAddr),
    Texts(Vec<String>),
    Id(Uuid),
}

/// A row by its columns.
pub(crate) type Row = BTreeMap<String, Cell>;

/// An event of a file, with the table that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) table: &'static str,
    pub(crate) fields: Map<String, Value>,
}

/// Columns that the node makes up itself; an event does not say them.
pub(crate) const OWN: [&str; 5] = ["node", "feed", "received_at", "event_id", "content_hash"];

const ALL: &str = "time:timestamptz time_source:int4 node:text feed:text received_at:timestamptz event_id:uuid \
    content_hash:uuid extra:jsonb event_tags:jsonb cluster_name:text host_name:text";
const ALERTS_AND_LOGS: &str = "node_id:text namespace_name:text pod_name:text owner_ref:text owner_name:text \
    owner_namespace:text labels:jsonb container_id:text container_name:text container_image:text host_ppid:int4 \
    host_pid:int4 ppid:int4 pid:int4 uid:int4 user_name:text parent_process_name:text process_name:text type:text \
    source:text operation:text resource:text data:text result:text cwd:text tty:text event_data:jsonb exec_id:text \
    exec_name:text process_hash:text parent_hash:text resource_hash:text hash_algo:text syscall:text \
    open_flags:text remote_ip:inet remote_port:int4 protocol:text domain:text qtype:text";
const ALERTS: &str = "policy_name:text severity:int4 tags:_text message:text enforcer:text action:text \
    max_alerts_per_sec:int4 dropping_alerts_interval:int4 kubearmor_version:text";
const MESSAGES: &str = "host_ip:text type:text level:text message:text";

/// The columns of an event table, each with PostgreSQL's name of its type.
pub(crate) fn columns(table: &str) -> BTreeMap<String, String> {
    let parts = match table {
        "alerts" => [ALL, ALERTS_AND_LOGS, ALERTS].join(" "),
        "logs" => [ALL, ALERTS_AND_LOGS].join(" "),
        _ => [ALL, MESSAGES].join(" "),
    };
    let pair = |column: &str| column.split_once(':').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    parts.split_whitespace().filter_map(pair).collect()
}

/// The events of a file: one JSON object a line, bare (a log) or `{"kind": ..., "event": {...}}`.
pub(crate) fn events(text: &str) -> Vec<Sent> {
    let event = |line: &str| {
        let Value::Object(mut entry) = serde_json::from_str(line).expect("a line of JSON") else { panic!("{line}") };
        let table = match entry.get("kind").and_then(Value::as_str) {
            Some("alert") => "alerts",
            Some("message") => "messages",
            _ => "logs",
        };
        let fields = match entry.remove("event") {
            Some(Value::Object(event)) => event,
            _ => entry,
        };
        Sent { table, fields }
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(event).collect()
}

/// The row of an event; `time` is absent when only the node knows it.
pub(crate) fn row(sent: &Sent) -> Row {
    let event = Fields(&sent.fields);
    let mut row: Row = Row::new();
    for (column, kind) in columns(sent.table) {
        if OWN.contains(&column.as_str()) {
            continue;
        }
        let cell = match (column.as_str(), kind.as_str()) {
            ("time", _) => continue,
            ("time_source" | "extra" | "event_tags", _) => Cell::Null,
            ("max_alerts_per_sec" | "dropping_alerts_interval", _) => event.int(&column).filter(|n| *n != 0).into(),
            ("severity", _) => event.text("severity").and_then(|text| text.trim().parse::<i32>().ok()).into(),
            (_, "int4") => Cell::Int(event.int(&column).unwrap_or(0)),
            _ => event.text(&column.replace('_', "")).into(),
        };
        row.insert(column, cell);
    }
    let mut unparsed = Map::new();
    event.put_time(&mut row, &mut unparsed);
    if sent.table != "messages" {
        event.put_nested(&mut row, &mut unparsed);
        event.put_details(&mut row);
    }
    if sent.table == "alerts" {
        event.put_tags(&mut row, &mut unparsed);
    }
    if !unparsed.is_empty() {
        row.insert("extra".to_owned(), Cell::Json(Value::Object(unparsed)));
    }
    row
}

impl From<Option<i32>> for Cell {
    fn from(value: Option<i32>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }
}

impl From<Option<String>> for Cell {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Null, Self::Text)
    }
}

/// The fields of an event by their names without case and `_`.
struct Fields<'a>(&'a Map<String, Value>);

fn find<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.iter().find(|(key, _)| key.replace('_', "").eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn as_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

impl Fields<'_> {
    fn text(&self, name: &str) -> Option<String> {
        find(self.0, name).and_then(as_text)
    }

    fn int(&self, column: &str) -> Option<i32> {
        self.text(&column.replace('_', "")).map(|text| text.parse().expect("a number of 32 bits"))
    }

    fn put_time(&self, row: &mut Row, unparsed: &mut Map<String, Value>) {
        let sent = self.text("updatedtime");
        let exact = sent.as_ref().and_then(|text| DateTime::parse_from_rfc3339(&text.to_uppercase()).ok());
        if let (Some(text), None) = (sent, exact) {
            unparsed.insert("UpdatedTime".to_owned(), text.into());
        }
        let seconds = self.text("timestamp").map(|text| text.parse::<i64>().expect("seconds")).filter(|n| *n != 0);
        let (time, source) = match (exact, seconds) {
            (Some(exact), _) => (Some(exact.timestamp_micros()), 0),
            (None, Some(seconds)) => (Some(seconds * 1_000_000), 1),
            (None, None) => (None, 2),
        };
        row.insert("time_source".to_owned(), Cell::Int(source));
        if let Some(time) = time {
            row.insert("time".to_owned(), Cell::Time(time));
        }
    }

    /// The owner, the exec event and the labels.
    fn put_nested(&self, row: &mut Row, unparsed: &mut Map<String, Value>) {
        let parts = [
            ("owner_ref", "owner", "ref"),
            ("owner_name", "owner", "name"),
            ("owner_namespace", "owner", "namespace"),
            ("exec_id", "execevent", "execid"),
            ("exec_name", "execevent", "executablename"),
        ];
        for (column, name, part) in parts {
            let inner = find(self.0, name).and_then(Value::as_object).and_then(|inner| find(inner, part));
            let text = inner.and_then(as_text).filter(|text| column != "exec_id" || text != "0");
            row.insert(column.to_owned(), text.into());
        }
        let Some(labels) = self.text("labels") else { return };
        let mut pairs = Map::new();
        for label in labels.split(',').filter(|label| !label.trim().is_empty()) {
            match label.split_once('=') {
                Some((key, value)) => drop(pairs.insert(key.trim().to_owned(), value.trim().into())),
                None => drop(unparsed.insert("Labels".to_owned(), labels.clone().into())),
            }
        }
        row.insert("labels".to_owned(), if pairs.is_empty() { Cell::Null } else { Cell::Json(pairs.into()) });
    }

    fn put_tags(&self, row: &mut Row, unparsed: &mut Map<String, Value>) {
        let list = find(self.0, "atags").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut tags: Vec<String> = list.iter().filter_map(as_text).collect();
        if tags.is_empty() {
            let text = self.text("tags").unwrap_or_default();
            tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        }
        row.insert("tags".to_owned(), if tags.is_empty() { Cell::Null } else { Cell::Texts(tags) });
        let severity = self.text("severity").filter(|_| row["severity"] == Cell::Null);
        if let Some(word) = severity {
            unparsed.insert("Severity".to_owned(), word.into());
        }
    }

    /// What is read out of Data, EventData and, for network events, Resource.
    fn put_details(&self, row: &mut Row) {
        let (data, resource) = (self.text("data").unwrap_or_default(), self.text("resource").unwrap_or_default());
        let operation = self.text("operation").unwrap_or_default();
        let (is_network, is_firewall) = (operation == "Network", operation == "NetworkFirewall");
        let resource_words = if is_network { words(&resource) } else { Vec::new() };
        let sent: Option<Map<String, Value>> = find(self.0, "eventdata").and_then(Value::as_object).cloned();
        let glued = sent.iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", as_text(value)?)));
        let glued: Vec<_> = glued.flat_map(|pair| words(&pair)).collect();
        let all: Vec<_> = words(&data).into_iter().chain(glued).chain(resource_words.clone()).collect();
        let word = |name: &str| {
            let mut found = all.iter().filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty());
            found.next().map(|(_, value)| value.clone())
        };
        let first = |names: &[&str]| names.iter().find_map(|name| word(name));
        let syscall = word("syscall");
        let is_open = syscall.as_ref().is_none_or(|call| call.contains("OPEN"));
        let is_own = syscall.as_deref() == Some("SYS_BIND");
        let (address, port) = match (is_network && !is_own, is_firewall, resource.as_str()) {
            (true, ..) => (first(&["remoteip", "sin_addr", "daddr"]), first(&["port", "sin_port"])),
            (_, true, "INGRESS") => (word("SourceIP"), word("SourcePort")),
            (_, true, _) => (word("DestinationIP"), word("DestinationPort")),
            _ => (None, None),
        };
        let asks_a_name = is_network && syscall.is_none() && word("kprobe").is_none();
        let mut put = |column: &str, cell: Cell| drop(row.insert(column.to_owned(), cell));
        put("open_flags", word("flags").filter(|_| is_open).into());
        put("syscall", syscall.into());
        put("remote_ip", address.and_then(|text| text.parse().ok()).map_or(Cell::Null, Cell::Address));
        put("remote_port", port.and_then(|text| text.parse::<i32>().ok()).into());
        put("protocol", word("protocol").filter(|_| is_network || is_firewall).into());
        put("domain", word("domain").filter(|name| asks_a_name && !name.starts_with("AF_")).into());
        put("qtype", word("qtype").filter(|_| is_network).into());
        let mut pairs = sent.unwrap_or_default();
        if pairs.is_empty() {
            for (key, value) in resource_words.into_iter().chain(words(&data)) {
                pairs.insert(key[..1].to_uppercase() + &key[1..], value.into());
            }
        }
        put("event_data", if pairs.is_empty() { Cell::Null } else { Cell::Json(pairs.into()) });
    }
}

static COMMA: LazyLock<Regex> = LazyLock::new(|| Regex::new(r",\s*(\w+=)").expect("a pattern"));

/// The `key=value` words of a text; a comma parts them as well, but not in the options of a mount.
fn words(text: &str) -> Vec<(String, String)> {
    let is_mount = text.contains("SYS_MOUNT");
    let parted = if is_mount { text.into() } else { COMMA.replace_all(text, " $1") };
    let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    parted.split_whitespace().filter_map(pair).filter(|(key, _)| !key.is_empty()).collect()
}
