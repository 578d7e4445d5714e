-- Events without repetition.
SELECT DISTINCT operation FROM logs ORDER BY operation;
SELECT DISTINCT operation, result FROM logs ORDER BY operation, result LIMIT 6;
SELECT DISTINCT pid % 4 AS rest FROM logs ORDER BY rest DESC;
SELECT count(*) FROM (SELECT DISTINCT namespace_name, pod_name FROM logs) AS pods;
SELECT DISTINCT ON (operation) operation, event_id FROM logs ORDER BY operation, event_id;
SELECT DISTINCT ON (namespace_name) namespace_name, pod_name, pid FROM logs ORDER BY namespace_name, pid DESC NULLS LAST, event_id;
SELECT DISTINCT ON (lower(operation)) operation, time FROM logs WHERE operation IS NOT NULL ORDER BY lower(operation), time DESC, event_id;
SELECT DISTINCT ON (1) operation, max(pid) FROM logs GROUP BY operation, result ORDER BY 1, 2 DESC NULLS LAST;
SELECT DISTINCT remote_ip FROM logs ORDER BY remote_ip;
SELECT DISTINCT labels ->> 'k' FROM alerts ORDER BY 1 DESC;
SELECT DISTINCT count(*) > 10 FROM logs GROUP BY operation;
SELECT DISTINCT operation FROM logs UNION SELECT DISTINCT operation FROM alerts ORDER BY 1;
SELECT DISTINCT operation FROM logs ORDER BY pid;
SELECT DISTINCT ON (operation) operation, pid FROM logs ORDER BY pid;
SELECT DISTINCT ON (nothing) operation FROM logs;
