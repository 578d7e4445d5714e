# Event tables; {low} and {high} are the first and the last time in the rows, {middle} is between them
SELECT count(*), count(DISTINCT node), count(pod_name), min(time), max(time) FROM logs
SELECT * FROM logs ORDER BY event_id LIMIT 5
SELECT * FROM alerts ORDER BY event_id
SELECT count(*), min(time) FROM messages
SELECT node IS NULL, feed, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2
SELECT namespace_name, operation, count(*) AS n FROM logs GROUP BY 1, 2 ORDER BY n DESC, 1, 2
SELECT date_trunc('minute', time) AS t, action, count(*) FROM alerts GROUP BY 1, 2 ORDER BY 1, 2
SELECT pod_name, max(time) AS last, max(time) - min(time) AS span FROM logs GROUP BY 1 ORDER BY 1
SELECT event_id, time FROM logs WHERE time >= {middle} ORDER BY time DESC, event_id LIMIT 20
SELECT event_id FROM logs WHERE time BETWEEN {low} AND {middle} AND operation = 'Process' ORDER BY 1
SELECT count(*) FROM logs WHERE time < {low} OR time > {high}
SELECT count(*) FROM logs WHERE time::date = ({high})::date
SELECT event_id, labels ->> 'app' AS app FROM logs WHERE labels ? 'app' ORDER BY event_id LIMIT 20
SELECT labels ->> 'app' AS app, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC, 1
SELECT k, count(*) FROM logs, jsonb_object_keys(labels) k GROUP BY 1 ORDER BY 1
SELECT key, value, count(*) FROM alerts CROSS JOIN LATERAL jsonb_each_text(event_data) GROUP BY 1, 2 ORDER BY 1, 2
SELECT t.tag, count(*) FROM alerts a CROSS JOIN LATERAL unnest(a.tags) AS t(tag) GROUP BY 1 ORDER BY 2 DESC, 1
SELECT event_id, t.n, t.tag FROM alerts a, unnest(a.tags) WITH ORDINALITY AS t(tag, n) ORDER BY 1, 2
SELECT count(*) FROM alerts WHERE 'NIST' = ANY (tags) OR tags @> ARRAY['MITRE']
SELECT tags, count(*) FROM alerts GROUP BY 1 ORDER BY 1
SELECT array_length(tags, 1) AS n, count(*) FROM alerts GROUP BY 1 ORDER BY 1
SELECT remote_ip, count(*) FROM logs WHERE remote_ip IS NOT NULL GROUP BY 1 ORDER BY 1
SELECT count(*) FROM logs WHERE remote_ip << '10.0.0.0/8'
SELECT network(set_masklen(remote_ip, 16)) AS net, count(*) FROM logs WHERE remote_ip IS NOT NULL GROUP BY 1 ORDER BY 1
SELECT family(remote_ip), host(remote_ip), remote_port FROM logs WHERE remote_port > 0 ORDER BY event_id LIMIT 20
SELECT regexp_replace(resource, '/[^/]*$', '/') AS dir, count(*) FROM logs WHERE operation = 'File' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 30
SELECT split_part(process_name, '/', -1) AS base, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC, 1
SELECT process_name, count(*) FROM logs WHERE process_name ~ '/(bash|sh|curl)$' GROUP BY 1 ORDER BY 1
SELECT count(*) FROM logs WHERE resource LIKE '/etc/%' OR resource ILIKE '%SHADOW%'
SELECT count(*) FROM logs WHERE resource SIMILAR TO '(/etc|/usr)/%'
SELECT severity, count(*), string_agg(DISTINCT policy_name, ', ' ORDER BY policy_name) FROM alerts GROUP BY 1 ORDER BY 1 NULLS FIRST
SELECT pod_name, percentile_cont(0.5) WITHIN GROUP (ORDER BY pid) AS p50, percentile_disc(0.95) WITHIN GROUP (ORDER BY pid) AS p95 FROM logs GROUP BY 1 ORDER BY 1
SELECT operation, avg(pid), stddev(pid), sum(pid), min(pid), max(pid) FROM logs GROUP BY 1 ORDER BY 1
SELECT avg(host_pid), sum(host_pid::bigint), variance(uid) FROM logs
SELECT uid, count(*) FILTER (WHERE result = 'Passed') AS ok, count(*) FILTER (WHERE result <> 'Passed') AS bad FROM logs GROUP BY 1 ORDER BY 1
SELECT namespace_name, pod_name, n FROM (SELECT namespace_name, pod_name, count(*) AS n, row_number() OVER (PARTITION BY namespace_name ORDER BY count(*) DESC, pod_name) AS r FROM logs GROUP BY 1, 2) x WHERE r = 1 ORDER BY 1
SELECT event_id, lag(time) OVER (PARTITION BY pod_name ORDER BY time, event_id) FROM logs ORDER BY event_id LIMIT 50
SELECT event_id, sum(1) OVER (PARTITION BY pod_name ORDER BY time, event_id) AS running FROM logs ORDER BY event_id LIMIT 50
SELECT event_id, time - lag(time) OVER (PARTITION BY pod_name ORDER BY time, event_id) AS gap FROM alerts ORDER BY event_id
SELECT DISTINCT ON (pod_name) pod_name, time, process_name FROM logs ORDER BY pod_name, time DESC, event_id
SELECT DISTINCT operation, result FROM logs ORDER BY 1, 2
SELECT l.event_id, a.event_id FROM logs l JOIN alerts a ON a.pod_name = l.pod_name AND a.pid = l.pid ORDER BY 1, 2
SELECT count(*) FROM logs l WHERE EXISTS (SELECT 1 FROM alerts a WHERE a.pod_name = l.pod_name AND a.time > l.time)
SELECT count(*) FROM logs WHERE pod_name NOT IN (SELECT pod_name FROM alerts WHERE pod_name IS NOT NULL)
SELECT count(*) FROM logs WHERE pod_name NOT IN (SELECT pod_name FROM alerts)
SELECT pod_name FROM logs EXCEPT SELECT pod_name FROM alerts ORDER BY 1
SELECT pod_name FROM logs INTERSECT SELECT pod_name FROM alerts ORDER BY 1
SELECT 'log' AS kind, count(*) FROM logs UNION ALL SELECT 'alert', count(*) FROM alerts ORDER BY 1
SELECT time, host_name, resource, action FROM alerts WHERE operation = 'File' UNION ALL SELECT time, host_name, resource, '' FROM logs WHERE operation = 'Network' ORDER BY 1 DESC, 2, 3, 4 LIMIT 40
SELECT * FROM events ORDER BY event_id LIMIT 20
SELECT count(*), count(DISTINCT event_id) FROM events
SELECT * FROM processes ORDER BY event_id LIMIT 20
SELECT namespace_name, count(*) FROM logs GROUP BY ROLLUP (namespace_name) ORDER BY 1, 2
SELECT namespace_name, operation, count(*) FROM logs GROUP BY CUBE (namespace_name, operation) ORDER BY 1, 2, 3
SELECT operation, result, count(*), grouping(operation, result) FROM logs GROUP BY GROUPING SETS ((operation), (result), ()) ORDER BY 4, 1, 2
SELECT date_bin('5 minutes', time, timestamptz '2001-01-01 00:00Z') AS t, count(*) FROM logs GROUP BY 1 ORDER BY 1
SELECT extract(hour from time) AS h, extract(dow from time) AS d, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2
SELECT to_char(time, 'YYYY-MM-DD HH24:MI') AS t, count(*) FROM logs GROUP BY 1 ORDER BY 1
SELECT floor(extract(epoch from time) / 60) * 60 AS t, count(*) FROM logs GROUP BY 1 ORDER BY 1
SELECT extract(epoch from max(time) - min(time)) FROM logs
SELECT count(*)::numeric / 60, count(*) / 60, count(*) * 1.0 / 7, round(count(*) / 7.0, 2) FROM logs
SELECT round(100.0 * count(*) FILTER (WHERE result <> 'Passed') / count(*), 2) AS percent FROM logs
SELECT operation, round(100.0 * count(*) / sum(count(*)) OVER (), 3) AS share FROM logs GROUP BY 1 ORDER BY 1
SELECT width_bucket(pid, 0, 40000, 8) AS bucket, count(*) FROM logs GROUP BY 1 ORDER BY 1
SELECT md5(string_agg(event_id::text, ',' ORDER BY event_id)) FROM logs
SELECT pod_name, array_agg(DISTINCT operation ORDER BY operation) FROM logs GROUP BY 1 ORDER BY 1
SELECT pod_name, (array_agg(process_name ORDER BY time DESC, event_id))[1:3] FROM logs GROUP BY 1 ORDER BY 1
SELECT jsonb_build_object('pod', pod_name, 'n', count(*)) FROM logs GROUP BY pod_name ORDER BY pod_name
SELECT jsonb_agg(DISTINCT operation ORDER BY operation) FROM logs
SELECT coalesce(tty, '-') AS tty, coalesce(nullif(cwd, ''), '?') AS cwd, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2
SELECT event_id, CASE WHEN uid = 0 THEN 'root' WHEN uid < 1000 THEN 'system' ELSE 'user' END AS who FROM logs ORDER BY event_id LIMIT 30
SELECT pid / 7, pid % 7, -pid / 2, pid::float / 3, round(pid / 3.0, 2), pid::numeric / 3 FROM logs ORDER BY event_id LIMIT 20
SELECT length(resource), upper(left(resource, 5)), reverse(right(resource, 4)), strpos(resource, '/'), initcap(operation) FROM logs ORDER BY event_id LIMIT 30
SELECT lpad(pid::text, 8, '0'), to_hex(pid), to_char(pid, 'FM999,999'), pid::text || '/' || host_pid FROM logs ORDER BY event_id LIMIT 20
SELECT time::date, time::time, date_trunc('hour', time), time + interval '1 month', time AT TIME ZONE 'Asia/Tokyo' FROM logs ORDER BY event_id LIMIT 20
SELECT time::text, received_at::timestamp, extract(epoch from received_at - time)::int / 1000000, age(time, timestamptz '2020-01-01 00:00Z') FROM alerts ORDER BY event_id LIMIT 20
SELECT l.operation, count(*) FROM logs l LEFT JOIN alerts a USING (pod_name, pid) WHERE a.event_id IS NULL GROUP BY 1 ORDER BY 1
SELECT count(*) FROM (SELECT DISTINCT pod_name, pid FROM logs) x JOIN (SELECT DISTINCT pod_name, pid FROM alerts) y USING (pod_name, pid)
SELECT p.name, count(l.event_id) FROM place p LEFT JOIN logs l ON l.uid = p.id - 1 GROUP BY p.name, p.id ORDER BY p.id
SELECT i.id, (SELECT count(*) FROM logs l WHERE l.uid = i.s) FROM item i ORDER BY 1
SELECT operation FROM logs WHERE pid > (SELECT avg(pid) FROM logs) GROUP BY 1 HAVING count(*) > (SELECT 1) ORDER BY 1
WITH busy AS (SELECT pod_name, count(*) AS n FROM logs GROUP BY 1), bad AS (SELECT pod_name, count(*) AS m FROM alerts GROUP BY 1) SELECT pod_name, n, m FROM busy FULL JOIN bad USING (pod_name) ORDER BY 1, 2, 3
WITH RECURSIVE t AS (SELECT host_pid, host_ppid, 0 AS depth FROM logs WHERE operation = 'Process' AND ppid = 0 UNION SELECT c.host_pid, c.host_ppid, t.depth + 1 FROM logs c JOIN t ON c.host_ppid = t.host_pid WHERE t.depth < 4) SELECT depth, count(*) FROM t GROUP BY 1 ORDER BY 1
SELECT count(*) FROM logs, generate_series(1, 3)
SELECT m.t, count(l.event_id) FROM generate_series(date_trunc('minute', {low}::timestamptz), date_trunc('minute', {low}::timestamptz) + interval '5 minutes', interval '1 minute') m(t) LEFT JOIN logs l ON l.time >= m.t AND l.time < m.t + interval '1 minute' GROUP BY 1 ORDER BY 1
SELECT event_id FROM logs ORDER BY time DESC, event_id DESC OFFSET 10 FETCH FIRST 5 ROWS ONLY
SELECT max(time) FILTER (WHERE operation = 'File'), min(process_name) FILTER (WHERE uid = 0) FROM logs
SELECT bool_and(pid > 0), bool_or(tty IS NOT NULL), every(time IS NOT NULL) FROM logs
SELECT pod_name || ':' || container_name AS c, count(*) FROM logs GROUP BY c ORDER BY c
SELECT operation, mode() WITHIN GROUP (ORDER BY result) FROM logs GROUP BY 1 ORDER BY 1
SELECT count(*) FROM logs WHERE (namespace_name, operation) IN (('default', 'File'), ('kube-system', 'Process'))
SELECT count(*) FROM logs WHERE operation = ANY (ARRAY['File', 'Network']) AND NOT (result = 'Passed')
SELECT count(*) FROM logs WHERE operation LIKE ANY (ARRAY['F%', 'N%'])
SELECT count(*) FROM logs WHERE extra IS NULL AND event_tags IS NULL
SELECT event_data -> 'Syscall', event_data #>> '{Syscall}', count(*) FROM logs GROUP BY 1, 2 ORDER BY 2
SELECT event_data @> '{"Syscall": "SYS_OPENAT"}' AS o, count(*) FROM logs GROUP BY 1 ORDER BY 1
SELECT nosuch FROM logs
SELECT pid FROM logs GROUP BY pod_name
SELECT pid / 0 FROM logs
SELECT operation::int FROM logs
SELECT sum(operation) FROM logs
