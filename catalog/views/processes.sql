-- oid: 16411
-- comment: The processes seen on every node in the last 24 hours: newest exec of a process id, and what it did
SELECT node, host_name, container_id, host_pid,
  get_field(newest, 'process_name') AS process_name,
  get_field(newest, 'resource') AS resource,
  get_field(newest, 'parent_process_name') AS parent_process_name,
  get_field(newest, 'host_ppid') AS host_ppid,
  get_field(newest, 'uid') AS uid,
  first_time, last_time, events, process_events, file_events, network_events
FROM (
  SELECT node, host_name, container_id, host_pid,
    max(named_struct('time', time, 'process_name', process_name, 'resource', resource,
      'parent_process_name', parent_process_name, 'host_ppid', host_ppid, 'uid', uid))
      FILTER (WHERE operation = 'Process') AS newest,
    min(time) AS first_time,
    max(time) AS last_time,
    count(*) AS events,
    count(*) FILTER (WHERE operation = 'Process') AS process_events,
    count(*) FILTER (WHERE operation = 'File') AS file_events,
    count(*) FILTER (WHERE operation = 'Network') AS network_events
  FROM logs
  WHERE time > now() - interval '24 hours' AND host_pid IS NOT NULL
  GROUP BY node, host_name, container_id, host_pid
) AS seen
