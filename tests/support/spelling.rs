//! The three spellings of KubeArmor's JSON: Go's names as recorded, those of the daemon's own file,
//! and lower case with or without `_`. Values stay, but numbers may become texts.

use serde_json::{Map, Value};

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As recorded.
    Given,
    /// `hostPPid`, as in the file of the daemon.
    Camel,
    /// `host_ppid` and `hostppid` by turns, the second with numbers as texts.
    Lower,
}

const NAMES: &[&str] = &[
    "timestamp",
    "updated_time",
    "cluster_name",
    "host_name",
    "node_id",
    "namespace_name",
    "owner",
    "pod_name",
    "labels",
    "container_id",
    "container_name",
    "container_image",
    "host_ppid",
    "host_pid",
    "ppid",
    "pid",
    "uid",
    "user_name",
    "parent_process_name",
    "process_name",
    "policy_name",
    "severity",
    "tags",
    "atags",
    "message",
    "type",
    "source",
    "operation",
    "resource",
    "data",
    "event_data",
    "enforcer",
    "action",
    "result",
    "cwd",
    "tty",
    "max_alerts_per_sec",
    "dropping_alerts_interval",
    "exec_event",
    "kubearmor_version",
    "process_hash",
    "parent_hash",
    "resource_hash",
    "hash_algo",
    "host_ip",
    "level",
    "ref",
    "name",
    "namespace",
    "exec_id",
    "executable_name",
];

/// Camel case that does not follow from the words.
const CAMEL: &[(&str, &str)] = &[
    ("container_id", "containerID"),
    ("host_ppid", "hostPPid"),
    ("node_id", "nodeID"),
    ("user_name", "username"),
    ("kubearmor_version", "kubeArmorVersion"),
    ("host_ip", "hostIP"),
    ("exec_id", "execID"),
];

/// The lines of a file in another spelling.
pub(crate) fn respell(text: &str, spelling: Spelling) -> String {
    let line = |(number, line): (usize, &str)| {
        let Value::Object(mut entry) = serde_json::from_str(line).expect("a line of JSON") else { panic!("{line}") };
        match entry.get_mut("event") {
            Some(Value::Object(event)) => *event = respelled(event, spelling, number),
            _ => entry = respelled(&entry, spelling, number),
        }
        Value::Object(entry).to_string() + "\n"
    };
    text.lines().filter(|line| !line.trim().is_empty()).enumerate().map(line).collect()
}

fn respelled(fields: &Map<String, Value>, spelling: Spelling, number: usize) -> Map<String, Value> {
    let field = |(key, value): (&String, &Value)| {
        let folded = key.replace('_', "").to_lowercase();
        let name = NAMES.iter().find(|name| name.replace('_', "") == folded);
        let value = match value {
            // The keys of EventData are values themselves.
            Value::Object(inner) if folded != "eventdata" => Value::Object(respelled(inner, spelling, number)),
            Value::Number(count) if spelling == Spelling::Lower && number % 2 == 1 => count.to_string().into(),
            other => other.clone(),
        };
        let spelled = name.map_or_else(|| key.clone(), |name| spelled(key, name, spelling, number));
        (spelled, value)
    };
    fields.iter().map(field).collect()
}

fn spelled(given: &str, name: &str, spelling: Spelling, number: usize) -> String {
    match spelling {
        Spelling::Given => given.to_owned(),
        Spelling::Lower if number % 2 == 1 => name.replace('_', ""),
        Spelling::Lower => name.to_owned(),
        Spelling::Camel => {
            let special = CAMEL.iter().find(|(known, _)| *known == name).map(|(_, camel)| (*camel).to_owned());
            special.unwrap_or_else(|| {
                let mut words = name.split('_');
                let first = words.next().unwrap_or_default().to_owned();
                words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
            })
        }
    }
}
