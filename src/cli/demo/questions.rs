//! What the demo prints first: how to connect, and five questions that tell a story.

use std::fmt::Write;

use super::fleet::{Fleet, USER};

const QUESTIONS: &str = r#"What to try first (on any node):

  1. How many events does each node hold?
     SELECT node, feed, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2;

  2. The newest alerts of the whole fleet:
     SELECT time, node, namespace_name, pod_name, policy_name, action, resource
       FROM alerts ORDER BY time DESC LIMIT 10;

  3. Who ran a shell in a pod, and then touched the network?
     SELECT s.node, s.pod_name, s.time AS shell_at, n.time AS network_at, n.process_name, n.remote_ip
       FROM logs s JOIN logs n ON n.host_name = s.host_name AND n.pod_name = s.pod_name
        AND n.time BETWEEN s.time AND s.time + interval '2 minutes'
      WHERE s.operation = 'Process' AND s.tty <> '' AND n.operation = 'Network'
      ORDER BY s.time DESC LIMIT 10;

  4. What is sent to which node, and who is not asked?
     EXPLAIN SELECT namespace_name, count(*) FROM alerts
      WHERE time > now() - interval '5 minutes' GROUP BY 1 ORDER BY 2 DESC LIMIT 5;

  5. Stop a node and ask again: type "stop edge-2" here, repeat question 1 on query-3, then
     SELECT node, status, reason, rows_known FROM mesh.last_coverage;
     and bring it back with "start edge-2".
"#;

/// The text above the status line.
pub(super) fn welcome(fleet: &Fleet) -> String {
    let mut text = format!("\nA fleet runs on this machine; its data lies in {}\n\nConnect:\n", fleet.folder.display());
    for node in fleet.nodes() {
        let id = node.process_id().map_or_else(String::new, |id| format!("   (process {id})"));
        // Writing to a String cannot fail.
        let _written = writeln!(
            text,
            "  {:8} PGPASSWORD={} psql -h 127.0.0.1 -p {} -U {USER} kubearmor{id}",
            node.name, fleet.password, node.port
        );
    }
    text + "\n" + QUESTIONS + "\nCtrl-C stops all of it in order.\n"
}
