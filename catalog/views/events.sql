-- oid: 16410
-- comment: Alerts and logs as one table: the columns they share, and which of the two a row is
SELECT 'alert' AS kind,
  time, time_source, node, feed, received_at, event_id, content_hash, extra, event_tags, cluster_name,
  host_name, node_id, namespace_name, pod_name, owner_ref, owner_name, owner_namespace, labels, container_id,
  container_name, container_image, host_ppid, host_pid, ppid, pid, uid, user_name, parent_process_name,
  process_name, type, source, operation, resource, data, result, cwd, tty, event_data, exec_id, exec_name,
  process_hash, parent_hash, resource_hash, hash_algo, syscall, open_flags, remote_ip, remote_port, protocol,
  domain, qtype
FROM alerts
UNION ALL
SELECT 'log' AS kind,
  time, time_source, node, feed, received_at, event_id, content_hash, extra, event_tags, cluster_name,
  host_name, node_id, namespace_name, pod_name, owner_ref, owner_name, owner_namespace, labels, container_id,
  container_name, container_image, host_ppid, host_pid, ppid, pid, uid, user_name, parent_process_name,
  process_name, type, source, operation, resource, data, result, cwd, tty, event_data, exec_id, exec_name,
  process_hash, parent_hash, resource_hash, hash_algo, syscall, open_flags, remote_ip, remote_port, protocol,
  domain, qtype
FROM logs
