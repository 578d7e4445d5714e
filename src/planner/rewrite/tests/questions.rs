//! The questions of KubeArmor's users over event tables.

use std::collections::BTreeMap;

use datafusion::arrow::array::RecordBatch;

use super::harness::{Harness, events, shared};
use crate::catalog;

/// A few rows of every event table.
#[allow(clippy::too_many_lines, reason = "a table of values")]
pub(super) fn sample_rows() -> BTreeMap<String, RecordBatch> {
    let catalog = catalog::builtin().expect("built-in catalog");
    let table = |name: &str| catalog.event_table(name).expect("event table");
    let alerts = events(
        table("alerts"),
        &[
            &[
                ("host_name", "n1"),
                ("namespace_name", "default"),
                ("pod_name", "web-1"),
                ("policy_name", "block-shell"),
                ("severity", "5"),
                ("action", "Block"),
                ("tags", "MITRE_T1059,NIST_800-53"),
                ("operation", "Process"),
                ("process_name", "/bin/sh"),
                ("resource", "/bin/sh"),
                ("kubearmor_version", "v1.4"),
            ],
            &[
                ("host_name", "n2"),
                ("namespace_name", "default"),
                ("policy_name", "net"),
                ("severity", "1"),
                ("action", "Audit"),
                ("tags", ""),
                ("operation", "NetworkFirewall"),
                ("resource", "INGRESS"),
                ("event_data", r#"{"SourceIP":"10.0.0.1","DestinationIP":"10.0.0.2","DestinationPort":"443"}"#),
            ],
            &[
                ("host_name", "n1"),
                ("type", "SystemEvent"),
                ("operation", "AlertThreshold"),
                ("dropping_alerts_interval", "30"),
                ("max_alerts_per_sec", "10"),
            ],
        ],
    );
    let logs = events(
        table("logs"),
        &[
            &[
                ("time", "2025-12-08T18:01:00Z"),
                ("host_name", "n1"),
                ("operation", "Process"),
                ("host_pid", "251151"),
                ("host_ppid", "1"),
                ("process_name", "/tmp/x"),
                ("resource", "/tmp/x -v"),
                ("ppid", "0"),
                ("tty", "pts0"),
                ("namespace_name", "wordpress-mysql"),
                ("container_id", "c1"),
                ("result", "Passed"),
                ("uid", "0"),
            ],
            &[
                ("time", "2025-12-08T18:02:00Z"),
                ("host_name", "n1"),
                ("operation", "Process"),
                ("host_pid", "251152"),
                ("host_ppid", "251151"),
                ("process_name", "/usr/bin/apt"),
                ("resource", "apt update"),
                ("container_id", "c1"),
                ("result", "Passed"),
                ("uid", "0"),
                ("exec_id", "1078688820741427"),
            ],
            &[
                ("host_name", "n2"),
                ("operation", "Network"),
                ("remote_ip", "203.0.113.7"),
                ("remote_port", "443"),
                ("pod_name", "web-1"),
                ("data", "kprobe=tcp_accept x"),
                ("result", "Passed"),
                ("host_pid", "7"),
            ],
            &[
                ("host_name", "n2"),
                ("operation", "File"),
                ("resource", "/etc/shadow"),
                ("open_flags", "O_WRONLY"),
                ("namespace_name", "default"),
                ("result", "Permission denied"),
                ("process_name", "/bin/cat"),
                ("host_pid", "7"),
                ("owner_name", "nginx"),
            ],
            &[
                ("host_name", "n2"),
                ("operation", "Process"),
                ("resource", "/bin/cat /etc/shadow"),
                ("process_name", "/bin/cat"),
                ("parent_process_name", "/bin/sh"),
                ("host_pid", "7"),
                ("host_ppid", "3"),
                ("uid", "1000"),
                ("time", "2026-11-23T11:30:00Z"),
            ],
        ],
    );
    BTreeMap::from([("alerts".to_owned(), alerts), ("logs".to_owned(), logs)])
}

fn statements(text: &str) -> Vec<String> {
    let bare: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    bare.join("\n").split(";\n").map(|sql| sql.trim().to_owned()).filter(|sql| !sql.is_empty()).collect()
}

/// Proves that every question plans and runs, over nothing and over a few rows.
#[tokio::test]
async fn every_question_runs() {
    let Some(path) = shared().map(|folder| folder.join("kubearmor/questions.sql")).filter(|path| path.is_file()) else {
        return println!("skipped: no shared questions");
    };
    let questions = statements(&std::fs::read_to_string(path).expect("questions"));
    assert_eq!(questions.len(), 36);
    let mut failures = Vec::new();
    for rows in [BTreeMap::new(), sample_rows()] {
        let harness = Harness::new(rows).await;
        for question in &questions {
            if let Err(error) = harness.run(question).await {
                failures.push(format!("{error}\n  {question}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
