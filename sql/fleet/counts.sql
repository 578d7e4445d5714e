-- How many events there are, and of what.
SELECT count(*) FROM logs;
SELECT count(*), count(pod_name), count(DISTINCT pod_name), count(DISTINCT node) FROM logs;
SELECT (SELECT count(*) FROM logs) + (SELECT count(*) FROM alerts) AS both;
SELECT node, count(*) FROM logs GROUP BY node ORDER BY node;
SELECT feed, node, count(*) FROM alerts GROUP BY feed, node ORDER BY count(*) DESC, feed, node LIMIT 5;
SELECT count(*) FROM logs WHERE time >= (SELECT min(time) FROM logs) AND time <= (SELECT max(time) FROM logs);
SELECT count(*) FROM logs WHERE time < '2026-11-23 11:00:00+00';
SELECT count(*) FROM logs WHERE time BETWEEN '2026-11-23 10:30:00+00' AND '2026-11-23 10:59:59.999999+00';
SELECT count(*) FROM logs WHERE received_at < time;
SELECT count(*) FILTER (WHERE operation = 'File') AS files, count(*) FILTER (WHERE operation = 'Process') AS processes, count(*) FILTER (WHERE operation IS NULL) AS unknown FROM logs;
SELECT sum(CASE WHEN result = 'result0' THEN 1 ELSE 0 END), count(nullif(result, 'result0')) FROM logs;
SELECT operation, round(100.0 * count(*) / (SELECT count(*) FROM logs), 2) AS share FROM logs GROUP BY operation ORDER BY operation;
SELECT max(n), min(n), sum(n) FROM (SELECT count(*) AS n FROM logs GROUP BY pod_name, namespace_name) AS groups;
SELECT count(*) = count(event_id), count(*) >= count(DISTINCT content_hash) FROM logs;
SELECT EXISTS (SELECT FROM logs WHERE operation = 'File'), EXISTS (SELECT 1 FROM logs WHERE operation = 'nothing');
SELECT count(*) FROM logs WHERE no_such_column = 1;
SELECT count(*) FROM no_such_events;
