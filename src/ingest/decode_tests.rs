//! Proves the rules of decoding: both paths agree, every column is right, nothing panics or is lost.

use std::collections::BTreeMap;
use std::path::PathBuf;

use datafusion::arrow::array::{
    Array, AsArray, FixedSizeBinaryArray, Int32Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::DataType;
use prost::Message as _;
use serde_json::{Map, Value as Json, json};

use super::{Arrival, Decoder, EventBatcher, VALUE_BYTES_MAX};
use crate::catalog::builtin;
use crate::proto::feeder;
use crate::types::{Event, EventKind, FeedName, Field, NodeName, Value};

const ARRIVAL: Arrival = Arrival { epoch: 1, index: 0, received_at_us: 1_700_000_000_000_000 };

fn decoder() -> Decoder {
    Decoder::new(NodeName::new("edge-1").expect("name"), FeedName::new("local").expect("name"))
}

fn decode_json(json: &Json) -> Event {
    decoder().decode_json(json.to_string().as_bytes(), None, ARRIVAL).expect("JSON object").clone()
}

fn decode_alert(alert: &feeder::Alert) -> Event {
    decoder().decode_wire(EventKind::Alert, &alert.encode_to_vec(), ARRIVAL).clone()
}

fn decode_log(log: &feeder::Log) -> Event {
    decoder().decode_wire(EventKind::Log, &log.encode_to_vec(), ARRIVAL).clone()
}

fn assert_equal_but(left: &Event, right: &Event, ignored: &[Field]) {
    for field in Field::ALL.iter().filter(|field| !ignored.contains(field)) {
        assert_eq!(left.value(*field), right.value(*field), "{}", field.source());
    }
}

/// Every field of an alert, each with a value of its own.
fn full_alert() -> feeder::Alert {
    let text = |name: &str| format!("the {name}");
    feeder::Alert {
        timestamp: 1_702_313_177,
        updated_time: "2023-12-11T16:46:17.846500Z".into(),
        cluster_name: text("ClusterName"),
        host_name: text("HostName"),
        namespace_name: text("NamespaceName"),
        pod_name: text("PodName"),
        container_id: text("ContainerID"),
        container_name: text("ContainerName"),
        host_pid: 9,
        ppid: 10,
        pid: 11,
        uid: 12,
        policy_name: text("PolicyName"),
        severity: "7".into(),
        tags: "A,B".into(),
        message: text("Message"),
        r#type: text("Type"),
        source: text("Source"),
        operation: text("Operation"),
        resource: text("Resource"),
        data: "syscall=SYS_OPEN flags=O_RDONLY".into(),
        action: text("Action"),
        result: text("Result"),
        container_image: text("ContainerImage"),
        parent_process_name: text("ParentProcessName"),
        process_name: text("ProcessName"),
        host_ppid: 27,
        enforcer: text("Enforcer"),
        labels: "app=x,a=b".into(),
        a_tags: vec!["A".into(), "B".into()],
        owner: Some(feeder::PodOwner {
            r#ref: text("Owner.Ref"),
            name: text("Owner.Name"),
            namespace: text("Owner.Namespace"),
        }),
        cwd: text("Cwd"),
        tty: text("TTY"),
        max_alerts_per_sec: 34,
        dropping_alerts_interval: 35,
        exec_event: Some(feeder::ExecEvent {
            exec_id: text("ExecEvent.ExecID"),
            executable_name: text("ExecEvent.ExecutableName"),
        }),
        kube_armor_version: text("KubeArmorVersion"),
        node_id: text("NodeID"),
        process_hash: text("ProcessHash"),
        parent_hash: text("ParentHash"),
        resource_hash: text("ResourceHash"),
        hash_algo: text("HashAlgo"),
        event_data: [("Syscall".to_owned(), "SYS_OPEN".to_owned()), ("Fd".to_owned(), "3".to_owned())].into(),
        user_name: text("UserName"),
    }
}

const ALERT_ONLY: [Field; 10] = [
    Field::PolicyName,
    Field::Severity,
    Field::Tags,
    Field::ATags,
    Field::Message,
    Field::Action,
    Field::Enforcer,
    Field::MaxAlertsPerSec,
    Field::DroppingAlertsInterval,
    Field::KubeArmorVersion,
];

/// Each text field of `full_alert` says its own name; the others have numbers of their own.
fn assert_every_field(event: &Event, absent: &[Field]) {
    let numbers = [
        (Field::HostPid, 9),
        (Field::Ppid, 10),
        (Field::Pid, 11),
        (Field::Uid, 12),
        (Field::HostPpid, 27),
        (Field::Severity, 7),
        (Field::MaxAlertsPerSec, 34),
        (Field::DroppingAlertsInterval, 35),
        (Field::UpdatedTime, 1_702_313_177_846_500),
        (Field::TimeSource, 0),
    ];
    for (field, number) in numbers.into_iter().filter(|(field, _)| !absent.contains(field)) {
        assert_eq!(event.int(field), Some(number), "{}", field.source());
    }
    let special = [
        (Field::Data, "syscall=SYS_OPEN flags=O_RDONLY"),
        (Field::Labels, r#"{"a": "b", "app": "x"}"#),
        (Field::EventData, r#"{"Fd": "3", "Syscall": "SYS_OPEN"}"#),
        (Field::Syscall, "SYS_OPEN"),
        (Field::OpenFlags, "O_RDONLY"),
        (Field::Node, "edge-1"),
        (Field::Feed, "local"),
    ];
    for (field, text) in special {
        assert_eq!(event.text(field), Some(text), "{}", field.source());
    }
    let ours = [Field::Tags, Field::Extra, Field::EventTags, Field::HostIp, Field::Level, Field::RemoteIp];
    let derived = [Field::Protocol, Field::Domain, Field::QType, Field::RemotePort];
    for field in Field::ALL {
        let known = special.iter().any(|(one, _)| one == field) || numbers.iter().any(|(one, _)| one == field);
        let id = matches!(event.value(*field), Value::Id(_) | Value::List(_)) || *field == Field::ReceivedAt;
        if known || id || *field == Field::Timestamp || absent.contains(field) {
            continue;
        }
        if ours.contains(field) || derived.contains(field) {
            assert!(*field == Field::Tags || event.value(*field) == Value::Null, "{}", field.source());
            continue;
        }
        assert_eq!(event.text(*field), Some(format!("the {}", field.source()).as_str()), "{}", field.source());
    }
}

#[test]
fn every_field_number_of_an_alert_is_that_of_the_contract() {
    assert_every_field(&decode_alert(&full_alert()), &[]);
}

/// The log with the same values as `full_alert`.
fn full_log() -> feeder::Log {
    let alert = full_alert();
    feeder::Log {
        timestamp: alert.timestamp,
        updated_time: alert.updated_time,
        cluster_name: alert.cluster_name,
        host_name: alert.host_name,
        namespace_name: alert.namespace_name,
        pod_name: alert.pod_name,
        container_id: alert.container_id,
        container_name: alert.container_name,
        host_pid: alert.host_pid,
        ppid: alert.ppid,
        pid: alert.pid,
        uid: alert.uid,
        r#type: alert.r#type,
        source: alert.source,
        operation: alert.operation,
        resource: alert.resource,
        data: alert.data,
        result: alert.result,
        container_image: alert.container_image,
        parent_process_name: alert.parent_process_name,
        process_name: alert.process_name,
        host_ppid: alert.host_ppid,
        labels: alert.labels,
        owner: alert.owner,
        cwd: alert.cwd,
        tty: alert.tty,
        exec_event: alert.exec_event,
        node_id: alert.node_id,
        process_hash: alert.process_hash,
        parent_hash: alert.parent_hash,
        resource_hash: alert.resource_hash,
        hash_algo: alert.hash_algo,
        event_data: alert.event_data,
        user_name: alert.user_name,
    }
}

#[test]
fn every_field_number_of_a_log_and_a_message_is_that_of_the_contract() {
    let log = full_log();
    assert_every_field(&decode_log(&log), &ALERT_ONLY);
    let message = feeder::Message {
        timestamp: 1_702_313_177,
        updated_time: String::new(),
        cluster_name: "c".into(),
        host_name: "h".into(),
        host_ip: "10.0.0.1".into(),
        r#type: "Message".into(),
        level: "WARN".into(),
        message: "Lost Perf Events Count : 7".into(),
    };
    let mut decoder = decoder();
    let event = decoder.decode_wire(EventKind::Message, &message.encode_to_vec(), ARRIVAL);
    let texts = [Field::ClusterName, Field::HostName, Field::HostIp, Field::Type, Field::Level, Field::Message];
    let found: Vec<_> = texts.iter().map(|field| event.text(*field).unwrap_or("")).collect();
    assert_eq!(found, ["c", "h", "10.0.0.1", "Message", "WARN", "Lost Perf Events Count : 7"]);
    assert_eq!((event.int(Field::TimeSource), event.int(Field::UpdatedTime)), (Some(1), Some(1_702_313_177_000_000)));
    assert_eq!(event.value(Field::Pid), Value::Null);
}

#[test]
fn an_empty_event_has_zero_ids_and_our_time() {
    let event = decode_log(&feeder::Log::default());
    for field in [Field::HostPpid, Field::HostPid, Field::Ppid, Field::Pid, Field::Uid] {
        assert_eq!(event.int(field), Some(0));
    }
    assert_eq!((event.int(Field::TimeSource), event.int(Field::UpdatedTime)), (Some(2), Some(ARRIVAL.received_at_us)));
    for field in [Field::HostName, Field::Extra, Field::EventData, Field::Labels, Field::Resource, Field::Syscall] {
        assert_eq!(event.value(field), Value::Null, "{}", field.source());
    }
}

#[test]
fn bad_values_become_null_and_stay_in_extra() {
    let alert = feeder::Alert {
        severity: "Medium".into(),
        updated_time: "yesterday".into(),
        timestamp: 1_702_313_177_000,
        labels: "app=x,orphan".into(),
        resource: "a\0b".into(),
        data: "x".repeat(VALUE_BYTES_MAX + 1),
        ..Default::default()
    };
    let event = decode_alert(&alert);
    assert!(event.is_malformed());
    assert_eq!(event.value(Field::Severity), Value::Null);
    assert_eq!(event.int(Field::TimeSource), Some(2));
    assert_eq!(event.text(Field::Labels), Some(r#"{"app": "x"}"#));
    assert_eq!(event.text(Field::Resource), Some("a\u{fffd}b"));
    assert_eq!(event.text(Field::Data).map(str::len), Some(VALUE_BYTES_MAX));
    let extra: Json = serde_json::from_str(event.text(Field::Extra).expect("extra")).expect("JSON");
    assert_eq!(
        extra,
        json!({"Severity": "Medium", "UpdatedTime": "yesterday", "Timestamp": 1_702_313_177_000_i64,
            "Labels": "app=x,orphan", "armorlake_cut": ["Data"], "armorlake_nul_replaced": ["Resource"]})
    );
}

#[test]
fn damaged_bytes_lose_only_what_is_damaged() {
    let log = feeder::Log { timestamp: 5, resource: "/tmp/x".into(), user_name: "root".into(), ..Default::default() };
    let mut bytes = log.encode_to_vec();
    bytes.truncate(bytes.len() - 1);
    let mut decoder = decoder();
    let event = decoder.decode_wire(EventKind::Log, &bytes, ARRIVAL);
    assert_eq!(event.text(Field::Resource), Some("/tmp/x"));
    assert_eq!(event.text(Field::Extra), Some(r#"{"armorlake_damaged": true}"#));
    // Field 4 (HostName) with a byte that no UTF-8 has, then field 99, which nobody knows.
    let event = decoder.decode_wire(EventKind::Log, &[0x22, 2, b'a', 0xff, 0x98, 0x06, 1], ARRIVAL);
    assert_eq!(event.text(Field::HostName), Some("a\u{fffd}"));
    assert_eq!(event.text(Field::Extra), Some(r#"{"armorlake_not_utf8": ["HostName"]}"#));
    assert_eq!(event.unknown_fields(), 1);
}

#[test]
fn three_spellings_and_texts_for_numbers_are_the_same_event() {
    let go = json!({"Timestamp": 1702313177, "UpdatedTime": "2023-12-11T16:46:17.846500Z", "HostName": "h",
        "HostPPID": 1, "HostPID": 2, "PPID": 3, "PID": 4, "ContainerID": "c", "TTY": "pts0",
        "Owner": {"Ref": "Deployment", "Name": "n", "Namespace": "s"}, "ATags": ["A", "B"], "Tags": "A,B",
        "ExecEvent": {"ExecID": "17", "ExecutableName": "sh"}, "EventData": {"Syscall": "SYS_CLOSE"},
        "Type": "MatchedPolicy", "Severity": "5", "KubeArmorVersion": "v"});
    let file = json!({"timestamp": "1702313177", "updatedTime": "2023-12-11T16:46:17.846500Z", "hostName": "h",
        "hostPPid": "1", "hostPid": 2.0, "ppid": 3, "pid": "4", "uid": 0, "containerID": "c", "tty": "pts0",
        "owner": {"ref": "Deployment", "name": "n", "namespace": "s"}, "atags": "A,B",
        "execEvent": {"execID": 17, "executableName": "sh"}, "eventData": {"Syscall": "SYS_CLOSE"},
        "type": "MatchedPolicy", "severity": 5, "kubeArmorVersion": "v"});
    let lower = json!({"timestamp": 1702313177, "updated_time": "2023-12-11t16:46:17.8465z", "host_name": "h",
        "host_ppid": 1, "host_pid": 2, "ppid": 3, "pid": 4, "container_id": "c", "tty": "pts0",
        "owner": {"ref": "Deployment", "name": "n", "namespace": "s"}, "tags": "A,B",
        "exec_event": {"exec_id": "17", "executable_name": "sh"}, "event_data": {"Syscall": "SYS_CLOSE"},
        "type": "MatchedPolicy", "severity": "5", "kubearmor_version": "v"});
    let [go, file, lower] = [go, file, lower].map(|json| decode_json(&json));
    assert_eq!(go.kind(), EventKind::Alert);
    assert_eq!(go.value(Field::Extra), Value::Null);
    let raw = [Field::Tags];
    assert_equal_but(&go, &file, &raw);
    assert_equal_but(&go, &lower, &raw);
}

#[test]
fn unknown_keys_and_unfit_values_of_json_are_kept() {
    let event = decode_json(&json!({"kind": "log", "event": {
        "HostPID": "many", "Cwd": {"a": 1}, "oid": 7, "PolicyName": "p", "Owner": "x", "cluster_name": "b",
        "ClusterName": "a", "UID": 4_294_967_295_u32, "PID": null}}));
    assert_eq!(event.kind(), EventKind::Log);
    assert_eq!(event.text(Field::ClusterName), Some("a"));
    assert_eq!((event.value(Field::HostPid), event.int(Field::Pid)), (Value::Null, Some(0)));
    let extra: Json = serde_json::from_str(event.text(Field::Extra).expect("extra")).expect("JSON");
    assert_eq!(
        extra,
        json!({"HostPID": "many", "Cwd": {"a": 1}, "oid": 7, "PolicyName": "p", "Owner": "x", "cluster_name": "b",
            "UID": 4_294_967_295_u32})
    );
    for refused in ["", "[1]", "7", "{\"a\":", "null"] {
        assert!(decoder().decode_json(refused.as_bytes(), None, ARRIVAL).is_err(), "{refused}");
    }
}

#[test]
fn the_hash_tells_contents_apart_and_the_id_tells_rows_apart() {
    let log = full_log();
    let (bytes, mut decoder) = (log.encode_to_vec(), decoder());
    let first = decoder.decode_wire(EventKind::Log, &bytes, ARRIVAL).clone();
    let later = Arrival { index: 1, received_at_us: ARRIVAL.received_at_us + 5, ..ARRIVAL };
    let second = decoder.decode_wire(EventKind::Log, &bytes, later).clone();
    assert_eq!(first.value(Field::ContentHash), second.value(Field::ContentHash));
    assert_ne!(first.value(Field::EventId), second.value(Field::EventId));
    let other = Decoder::new(NodeName::new("edge-2").expect("name"), FeedName::new("relay").expect("name"))
        .decode_wire(EventKind::Log, &bytes, ARRIVAL)
        .clone();
    assert_eq!(first.value(Field::ContentHash), other.value(Field::ContentHash));
    assert_ne!(first.value(Field::EventId), other.value(Field::EventId));
    let moved = feeder::Log { cwd: log.tty.clone(), tty: log.cwd.clone(), ..log };
    assert_ne!(first.value(Field::ContentHash), decode_log(&moved).value(Field::ContentHash));
}

/// The lines of the shared captures as (kind, event); nothing where they are absent.
pub(super) fn captures() -> Vec<(EventKind, Map<String, Json>)> {
    let shared = std::env::var_os("ARMORLAKE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let mut events = Vec::new();
    for name in ["capture-aks.jsonl", "samples.jsonl"] {
        let Ok(text) = std::fs::read_to_string(shared.join("kubearmor").join(name)) else {
            println!("skipped: the shared capture {name} is absent");
            continue;
        };
        for line in text.lines() {
            let Json::Object(mut entry) = serde_json::from_str(line).expect("JSON line") else { panic!("no object") };
            let kind = if entry.get("kind").and_then(Json::as_str) == Some("alert") {
                EventKind::Alert
            } else {
                EventKind::Log
            };
            let event = match entry.remove("event") {
                Some(Json::Object(event)) => event,
                _ => entry,
            };
            events.push((kind, event));
        }
    }
    events
}

/// A value of a capture by its folded name, as text; written without any code of the decoder.
fn captured(event: &Map<String, Json>, name: &str) -> Option<String> {
    let mut found: Vec<_> = event
        .iter()
        .filter(|(key, _)| key.replace('_', "").to_lowercase() == name)
        .map(|(_, value)| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        })
        .filter(|text| !text.is_empty())
        .collect();
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found.into_iter().next()
}

/// What a cell of a batch shows.
pub(super) fn cell(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("column {column}"));
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_any().downcast_ref::<StringArray>().expect("text").value(row).to_owned(),
        DataType::Int32 => array.as_any().downcast_ref::<Int32Array>().expect("int").value(row).to_string(),
        DataType::Timestamp(..) => {
            array.as_any().downcast_ref::<TimestampMicrosecondArray>().expect("time").value(row).to_string()
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_any().downcast_ref::<FixedSizeBinaryArray>().expect("id").value(row);
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        DataType::List(_) => {
            let list = array.as_any().downcast_ref::<ListArray>().expect("list").value(row);
            list.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join(",")
        }
        other => panic!("type {other}"),
    })
}

/// The value of the first `key=value` with this key.
fn word(text: &str, key: &str) -> Option<String> {
    let found = text.split([' ', ',']).filter_map(|word| word.split_once('=')).find(|(name, _)| *name == key)?;
    Some(found.1.to_owned()).filter(|text| !text.is_empty())
}

/// Compares one row with the JSON it was made of, column by column.
pub(super) fn assert_row(batch: &RecordBatch, row: usize, kind: EventKind, event: &Map<String, Json>) {
    let texts = [
        "cluster_name",
        "host_name",
        "node_id",
        "namespace_name",
        "pod_name",
        "container_id",
        "container_name",
        "container_image",
        "user_name",
        "parent_process_name",
        "process_name",
        "type",
        "source",
        "operation",
        "resource",
        "data",
        "result",
        "cwd",
        "tty",
    ];
    let alert_texts = ["policy_name", "message", "enforcer", "action", "kubearmor_version", "severity"];
    let alert_texts = alert_texts.iter().filter(|_| kind == EventKind::Alert);
    for column in texts.iter().chain(alert_texts) {
        let expected = captured(event, &column.replace('_', ""))
            .filter(|text| *column != "severity" || text.parse::<i32>().is_ok());
        assert_eq!(cell(batch, column, row), expected, "{column} of {event:?}");
    }
    for column in ["host_ppid", "host_pid", "ppid", "pid", "uid"] {
        let expected = captured(event, &column.replace('_', "")).unwrap_or_else(|| "0".to_owned());
        assert_eq!(cell(batch, column, row), Some(expected), "{column} of {event:?}");
    }
    let instant = captured(event, "updatedtime")
        .map(|text| chrono::DateTime::parse_from_rfc3339(&text.to_uppercase()).expect("time").timestamp_micros());
    let seconds = captured(event, "timestamp").map(|text| text.parse::<i64>().expect("seconds") * 1_000_000);
    let instant = instant.or(seconds).unwrap_or(ARRIVAL.received_at_us);
    assert_eq!(cell(batch, "time", row), Some(instant.to_string()));
    let owner = |part: &str| event.get("Owner")?.get(part)?.as_str().map(str::to_owned);
    assert_eq!(cell(batch, "owner_ref", row), owner("Ref"));
    assert_eq!(cell(batch, "owner_name", row), owner("Name"));
    assert_eq!(cell(batch, "owner_namespace", row), owner("Namespace"));
    let labels: Option<BTreeMap<String, String>> = captured(event, "labels").map(|text| {
        text.split(',').filter_map(|part| part.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    });
    let stored: Option<BTreeMap<String, String>> =
        cell(batch, "labels", row).map(|text| serde_json::from_str(&text).expect("JSON"));
    assert_eq!(stored, labels);
    assert_details(batch, row, event);
    if kind == EventKind::Alert {
        assert_eq!(cell(batch, "tags", row), captured(event, "tags"));
    }
}

fn assert_details(batch: &RecordBatch, row: usize, event: &Map<String, Json>) {
    let get = |name: &str| captured(event, name).unwrap_or_default();
    let (data, network) = (get("data"), get("operation") == "Network");
    let words = if network { format!("{} {data}", get("resource")) } else { data.clone() };
    let net = |key: &str| word(&words, key).filter(|_| network);
    let bind = data.contains("SYS_BIND");
    let peer = |keys: &[&str]| keys.iter().find_map(|key| net(key)).filter(|_| !bind);
    assert_eq!(cell(batch, "syscall", row), word(&data, "syscall"));
    assert_eq!(cell(batch, "open_flags", row), word(&data, "flags"));
    assert_eq!(cell(batch, "remote_ip", row), peer(&["remoteip", "sin_addr", "daddr"]), "{event:?}");
    assert_eq!(cell(batch, "remote_port", row), peer(&["port", "sin_port"]), "{event:?}");
    assert_eq!(cell(batch, "protocol", row), net("protocol"));
    assert_eq!(cell(batch, "domain", row), data.contains('.').then(|| word(&data, "domain")).flatten());
    assert_eq!(cell(batch, "qtype", row), net("qtype"));
    let exec = |part: &str| event.get("ExecEvent")?.get(part)?.as_str().map(str::to_owned);
    assert_eq!(cell(batch, "exec_id", row), exec("ExecID"));
    assert_eq!(cell(batch, "exec_name", row), exec("ExecutableName"));
    let expected: BTreeMap<String, String> = match event.get("EventData") {
        Some(sent) => serde_json::from_value(sent.clone()).expect("texts"),
        None => words
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .map(|(key, value)| (key[..1].to_uppercase() + &key[1..], value.to_owned()))
            .collect(),
    };
    let stored: Option<BTreeMap<String, String>> =
        cell(batch, "event_data", row).map(|text| serde_json::from_str(&text).expect("JSON"));
    assert_eq!(stored.unwrap_or_default(), expected, "{event:?}");
}

#[test]
fn every_column_of_the_captures_is_what_the_json_says() {
    let catalog = builtin().expect("catalog");
    let node = NodeName::new("edge-1").expect("name");
    let mut decoder = decoder();
    for (kind, event) in captures() {
        let mut batcher = EventBatcher::new(catalog.event_table(kind.table()).expect("table"), &node).expect("batcher");
        let text = Json::Object(event.clone()).to_string();
        batcher.push(decoder.decode_json(text.as_bytes(), Some(kind), ARRIVAL).expect("object"));
        assert_row(&batcher.finish().expect("batch"), 0, kind, &event);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_the_decoder(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let mut decoder = decoder();
        for kind in EventKind::ALL {
            decoder.decode_wire(kind, &bytes, ARRIVAL);
        }
        let _ = decoder.decode_json(&bytes, None, ARRIVAL);
    }

    #[test]
    fn no_texts_panic_the_decoder(texts in proptest::collection::vec("\\PC*|[=, a-zA-Z0-9_.\\x00]*", 8), operation in 0..3_usize) {
        let operation = ["Network", "NetworkFirewall", "File"][operation].to_owned();
        let [a, b, c, d, e, f, g, h] = <[String; 8]>::try_from(texts).expect("eight");
        let alert = feeder::Alert {
            updated_time: a, labels: b, tags: c, severity: d, resource: e, data: f, operation,
            event_data: [(g, h)].into(), ..Default::default()
        };
        let event = decode_alert(&alert);
        let catalog = builtin().expect("catalog");
        let table = catalog.event_table("alerts").expect("table");
        let mut batcher = EventBatcher::new(table, &NodeName::new("edge-1").expect("name")).expect("batcher");
        batcher.push(&event);
        let batch = batcher.finish().expect("batch");
        for column in ["extra", "labels", "event_data"] {
            if let Some(json) = cell(&batch, column, 0) {
                serde_json::from_str::<Json>(&json).expect("valid JSON");
            }
        }
    }
}
