-- One query per line. <logs>, <alerts> and <events> are replaced by tables, or by tables behind a LIMIT.
SELECT count(*) FROM <logs> AS l
SELECT 1 FROM <logs> AS l
SELECT NULL FROM <logs> AS l
SELECT NULL AS a, pid FROM <logs> AS l
SELECT 'a', 1.5, true, NULL::text, NULL::int FROM <logs> AS l
SELECT count(*) FROM (SELECT 1 FROM <logs> AS l) AS q
SELECT count(*) FROM <logs> AS l, <alerts> AS a WHERE l.pid = 3 AND a.pid = 4
SELECT count(*) FROM <logs> AS l CROSS JOIN (SELECT 1 FROM <alerts> AS a WHERE uid = 2) AS q
SELECT count(*), sum(pid), min(pid), max(pid), avg(pid) FROM <logs> AS l WHERE pid = 3000
SELECT count(*), sum(pid) FROM <logs> AS l WHERE node = 'nobody'
SELECT pid, count(*) FROM <logs> AS l WHERE node = 'nobody' GROUP BY pid
SELECT count(*) FROM <logs> AS l WHERE false
SELECT 'x', count(*) FROM <logs> AS l GROUP BY 1
SELECT 'x', count(*) FROM <logs> AS l WHERE pid = 3000 GROUP BY 1
SELECT count(*) FROM <logs> AS l GROUP BY 'a'::text
SELECT 'x' AS k, namespace_name, count(*) FROM <logs> AS l GROUP BY 1, 2
SELECT pid AS a, pid AS b, count(*) FROM <logs> AS l GROUP BY 1, 2
SELECT pid + 1, count(*) FROM <logs> AS l GROUP BY pid + 1
SELECT pid + 1, pid, count(*) FROM <logs> AS l GROUP BY pid + 1, pid
SELECT pid % 3 AS m, uid % 2 AS n, count(*), sum(pid) FROM <logs> AS l GROUP BY m, n HAVING count(*) > 3 AND sum(pid) > 10
SELECT namespace_name FROM <logs> AS l GROUP BY namespace_name HAVING max(pid) > 18
SELECT namespace_name, count(*) FILTER (WHERE pid > 3), sum(uid) FILTER (WHERE operation LIKE 'F%') FROM <logs> AS l GROUP BY 1
SELECT count(*) FILTER (WHERE pid IS NULL), count(*) FILTER (WHERE NULL), count(*) FILTER (WHERE true) FROM <logs> AS l
SELECT count(DISTINCT pid), count(DISTINCT uid) FROM <logs> AS l
SELECT count(DISTINCT pid), count(DISTINCT uid), sum(pid) FROM <logs> AS l
SELECT namespace_name, count(DISTINCT pid), count(DISTINCT uid), sum(pid), min(time) FROM <logs> AS l GROUP BY namespace_name
SELECT count(DISTINCT event_id), count(DISTINCT time), count(DISTINCT remote_ip), count(DISTINCT labels), count(DISTINCT tags) FROM <logs> AS l, (SELECT NULL::text AS tags) AS t
SELECT count(DISTINCT tags), count(tags) FROM <alerts> AS a
SELECT sum(DISTINCT pid), avg(DISTINCT uid) FROM <logs> AS l
SELECT count(pid, uid) FROM <logs> AS l
SELECT count(DISTINCT (pid % 3 = 0)) FROM <logs> AS l
SELECT sum(pid * 1.5), avg(pid / 2), sum(host_pid::numeric), avg(ppid::numeric(10,3)), sum(uid::bigint), sum(host_ppid::real) FROM <logs> AS l
SELECT sum(pid::numeric(10,2)), min(pid::numeric(10,2)), max(pid::numeric(10,2)) FROM <logs> AS l
SELECT max(time - received_at), min(time - received_at) FROM <logs> AS l
SELECT max(time - timestamptz '2026-11-23 10:00:00+00') FROM <logs> AS l
SELECT min(time + interval '1 month'), max(time - interval '1 day 2 hours 3 seconds') FROM <logs> AS l
SELECT min(event_id), max(event_id), min(remote_ip), max(remote_ip), min(time), max(received_at) FROM <logs> AS l
SELECT min(pid > 3), max(pid > 3), bool_and(pid > 3), bool_or(pid > 3) FROM <logs> AS l
SELECT min(tags), max(tags) FROM <alerts> AS a
SELECT min(date_trunc('hour', time)), max(time::date), min(time::timestamp) FROM <logs> AS l
SELECT bit_and(pid), bit_or(pid), bit_xor(pid) FROM <logs> AS l
SELECT stddev(pid), stddev_pop(uid), var_pop(uid), stddev_samp(pid), var_samp(pid) FROM <logs> AS l
SELECT corr(pid, uid), covar_pop(pid, uid), regr_slope(pid, uid) FROM <logs> AS l
SELECT string_agg(namespace_name, ',' ORDER BY event_id) FROM <logs> AS l
SELECT array_agg(pid ORDER BY event_id) FROM <logs> AS l
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pid) FROM <logs> AS l
SELECT median(pid) FROM <logs> AS l
SELECT sum(1), count(1), max('a'), min(2.5), count(NULL), sum(NULL::int) FROM <logs> AS l
SELECT namespace_name, pod_name, count(*) FROM <logs> AS l GROUP BY ROLLUP (namespace_name, pod_name)
SELECT namespace_name, pod_name, count(*), grouping(namespace_name) FROM <logs> AS l GROUP BY CUBE (namespace_name, pod_name)
SELECT namespace_name, pod_name, sum(pid) FROM <logs> AS l GROUP BY GROUPING SETS ((namespace_name), (pod_name), ())
SELECT DISTINCT namespace_name FROM <logs> AS l ORDER BY namespace_name NULLS FIRST
SELECT DISTINCT namespace_name, pid % 2 FROM <logs> AS l ORDER BY 2 DESC NULLS LAST, 1 LIMIT 7
SELECT DISTINCT ON (namespace_name) namespace_name, time, event_id FROM <logs> AS l ORDER BY namespace_name, time DESC, event_id
SELECT DISTINCT ON (namespace_name) namespace_name, event_id FROM <logs> AS l ORDER BY namespace_name DESC NULLS LAST, event_id LIMIT 3
SELECT DISTINCT 1 FROM <logs> AS l
SELECT DISTINCT tags FROM <alerts> AS a
SELECT DISTINCT labels, remote_ip FROM <logs> AS l
SELECT pid, event_id FROM <logs> AS l ORDER BY pid NULLS FIRST, event_id LIMIT 10
SELECT pid, event_id FROM <logs> AS l ORDER BY pid DESC NULLS LAST, event_id DESC LIMIT 10
SELECT pid, event_id FROM <logs> AS l ORDER BY pid DESC, event_id OFFSET 100 LIMIT 10
SELECT pid, event_id FROM <logs> AS l ORDER BY pid + uid, event_id OFFSET 390
SELECT event_id FROM <logs> AS l ORDER BY 'x'::text, event_id LIMIT 3
SELECT event_id FROM <logs> AS l ORDER BY NULL::int, event_id LIMIT 3
SELECT event_id FROM <logs> AS l ORDER BY event_id LIMIT 0
SELECT event_id FROM <logs> AS l LIMIT 0
SELECT count(*) FROM (SELECT event_id FROM <logs> AS l LIMIT 37) AS q
SELECT count(*) FROM (SELECT event_id FROM <logs> AS l OFFSET 390) AS q
SELECT count(*) FROM (SELECT event_id FROM <logs> AS l OFFSET 395 LIMIT 37) AS q
SELECT count(*) FROM (SELECT event_id FROM (SELECT event_id FROM <logs> AS l LIMIT 50) AS p OFFSET 40 LIMIT 37) AS q
SELECT event_id FROM (SELECT event_id FROM <logs> AS l ORDER BY event_id LIMIT 50) AS q ORDER BY event_id DESC LIMIT 5
SELECT event_id FROM (SELECT event_id FROM <logs> AS l ORDER BY event_id DESC LIMIT 50 OFFSET 5) AS q ORDER BY event_id LIMIT 5 OFFSET 3
SELECT pid FROM (SELECT pid, event_id FROM <logs> AS l ORDER BY event_id LIMIT 50) AS q WHERE pid > 10
SELECT count(*), sum(pid) FROM (SELECT pid, event_id FROM <logs> AS l ORDER BY event_id LIMIT 50) AS q WHERE pid > 10
SELECT kind, event_id FROM (SELECT 'a' AS kind, event_id FROM <logs> AS l UNION ALL SELECT 'b', event_id FROM <alerts> AS a) AS u ORDER BY kind, event_id LIMIT 20
SELECT kind, event_id FROM (SELECT 'a' AS kind, event_id FROM <logs> AS l UNION ALL SELECT 'b', event_id FROM <alerts> AS a) AS u ORDER BY kind DESC, event_id LIMIT 20 OFFSET 130
SELECT n, event_id FROM (SELECT 1 AS n, event_id FROM <logs> AS l UNION ALL SELECT pid, event_id FROM <alerts> AS a) AS u ORDER BY n, event_id LIMIT 20
SELECT n, event_id FROM (SELECT NULL AS n, event_id FROM <logs> AS l UNION ALL SELECT pid, event_id FROM <alerts> AS a) AS u ORDER BY n, event_id LIMIT 20
SELECT sum(n), count(n), count(DISTINCT n), min(n) FROM (SELECT 1 AS n FROM <logs> AS l UNION ALL SELECT pid FROM <alerts> AS a) AS u
SELECT n, count(*) FROM (SELECT 1 AS n FROM <logs> AS l UNION ALL SELECT pid FROM <alerts> AS a) AS u GROUP BY n
SELECT n, m, count(*) FROM (SELECT 1 AS n, 'a' AS m FROM <logs> AS l UNION ALL SELECT pid, operation FROM <alerts> AS a) AS u GROUP BY n, m
SELECT n, count(*) FROM (SELECT NULL AS n FROM <logs> AS l UNION ALL SELECT pid FROM <alerts> AS a) AS u GROUP BY n
SELECT n, count(m), max(m) FROM (SELECT pid AS n, 1.5 AS m FROM <logs> AS l UNION ALL SELECT uid, pid FROM <alerts> AS a) AS u GROUP BY n
SELECT n FROM (SELECT pid AS n FROM <logs> AS l UNION ALL SELECT 2.5 FROM <alerts> AS a) AS u WHERE n > 2
SELECT n FROM (SELECT pid AS n FROM <logs> AS l UNION ALL SELECT uid::bigint FROM <alerts> AS a) AS u
SELECT pid FROM <logs> AS l UNION SELECT uid FROM <alerts> AS a
SELECT pid FROM <logs> AS l INTERSECT SELECT uid FROM <alerts> AS a
SELECT pid FROM <logs> AS l EXCEPT SELECT uid + 5 FROM <alerts> AS a
(SELECT event_id FROM <logs> AS l ORDER BY event_id LIMIT 5) UNION ALL (SELECT event_id FROM <alerts> AS a ORDER BY event_id DESC LIMIT 5)
SELECT count(*) FROM ((SELECT event_id FROM <logs> AS l LIMIT 5) UNION ALL (SELECT event_id FROM <alerts> AS a LIMIT 7)) AS u
SELECT count(*) FROM (SELECT event_id FROM <logs> AS l UNION ALL SELECT event_id FROM <alerts> AS a LIMIT 7) AS u
SELECT kind, count(*) FROM <events> AS e GROUP BY kind
SELECT kind, event_id FROM <events> AS e WHERE kind = 'log' AND pid = 3
SELECT kind, event_id FROM <events> AS e ORDER BY kind, event_id LIMIT 4
SELECT kind, operation, count(*) FROM <events> AS e WHERE kind <> 'log' GROUP BY kind, operation
SELECT a.pid, count(*) FROM <logs> AS a JOIN <logs> AS b ON a.event_id = b.event_id GROUP BY a.pid
SELECT a.event_id, b.event_id FROM <logs> AS a LEFT JOIN <alerts> AS b ON a.pid = b.pid AND a.uid = b.uid AND b.severity > 3
SELECT a.event_id, b.event_id FROM <logs> AS a FULL JOIN <alerts> AS b ON a.pid = b.pid AND a.uid = b.uid WHERE a.pid IS NULL OR b.pid IS NULL
SELECT event_id FROM <logs> AS l WHERE pid IN (SELECT uid FROM <alerts> AS a WHERE severity > 5)
SELECT event_id FROM <logs> AS l WHERE pid NOT IN (SELECT uid FROM <alerts> AS a WHERE severity > 15)
SELECT event_id FROM <logs> AS l WHERE pid NOT IN (SELECT uid FROM <alerts> AS a WHERE severity > 15 AND uid IS NOT NULL)
SELECT event_id FROM <logs> AS l WHERE EXISTS (SELECT 1 FROM <alerts> AS a WHERE a.pid = l.pid AND a.uid > l.uid)
SELECT event_id FROM <logs> AS l WHERE NOT EXISTS (SELECT 1 FROM <alerts> AS a WHERE a.pid = l.pid)
SELECT event_id, (SELECT count(*) FROM <alerts> AS a WHERE a.pid = l.pid) AS n FROM <logs> AS l
SELECT event_id, (SELECT max(time) FROM <alerts> AS a) AS n FROM <logs> AS l WHERE pid > (SELECT avg(uid) FROM <alerts> AS a)
SELECT event_id FROM <logs> AS l WHERE pid > (SELECT avg(uid) FROM <alerts> AS a) AND namespace_name IS NOT NULL ORDER BY event_id LIMIT 5
SELECT event_id FROM <logs> AS l WHERE time > (SELECT max(time) - interval '30 minutes' FROM <logs> AS l)
SELECT count(*), (SELECT count(*) FROM <alerts> AS a) FROM <logs> AS l
SELECT pid + (SELECT max(uid) FROM <alerts> AS a) AS k, count(*) FROM <logs> AS l GROUP BY 1
SELECT sum(pid + (SELECT max(uid) FROM <alerts> AS a)) FROM <logs> AS l
WITH few AS (SELECT pid, count(*) AS n FROM <logs> AS l GROUP BY pid) SELECT a.pid, a.n + b.n FROM few AS a JOIN few AS b ON a.pid = b.pid + 1
WITH few AS MATERIALIZED (SELECT pid, count(*) AS n FROM <logs> AS l GROUP BY pid) SELECT (SELECT sum(n) FROM few), n FROM few
WITH RECURSIVE walk AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM walk WHERE n < 5) SELECT n, (SELECT count(*) FROM <logs> AS l) FROM walk
WITH RECURSIVE walk AS (SELECT 1 AS pid UNION ALL SELECT l.pid FROM walk JOIN (SELECT DISTINCT pid FROM <logs> AS l WHERE pid < 6) AS l ON l.pid = walk.pid + 1) SELECT pid FROM walk
SELECT event_id, row_number() OVER (ORDER BY time, event_id), lag(pid) OVER (PARTITION BY namespace_name ORDER BY time, event_id) FROM <logs> AS l
SELECT namespace_name, sum(count(*)) OVER (ORDER BY namespace_name) FROM <logs> AS l GROUP BY namespace_name
SELECT event_id, sum(pid) OVER (PARTITION BY namespace_name ORDER BY event_id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM <logs> AS l
SELECT a.event_id, tag FROM <alerts> AS a CROSS JOIN LATERAL unnest(a.tags) AS t(tag)
SELECT tag, count(*) FROM <alerts> AS a, unnest(a.tags) AS t(tag) GROUP BY tag
SELECT unnest(tags) AS tag, event_id FROM <alerts> AS a
SELECT count(*) FROM (SELECT random() AS r FROM <logs> AS l) AS q WHERE r >= 0 AND r < 1
SELECT count(*) FROM <logs> AS l WHERE random() >= 0
SELECT event_id FROM <logs> AS l WHERE pid IS DISTINCT FROM 3 AND uid = 2
SELECT event_id FROM <logs> AS l WHERE pid IS NOT DISTINCT FROM 3 OR uid = 2
SELECT event_id FROM <logs> AS l WHERE pid IS NOT DISTINCT FROM NULL AND uid > 2 AND namespace_name IS DISTINCT FROM pod_name
SELECT count(*) FROM <logs> AS l WHERE resource LIKE '/etc/file1_'
SELECT count(*) FROM <logs> AS l WHERE resource LIKE '/etc/file1\_'
SELECT count(*) FROM <logs> AS l WHERE resource NOT LIKE '%!_%' ESCAPE '!'
SELECT count(*) FROM <logs> AS l WHERE operation LIKE '%''%'
SELECT count(*) FROM <logs> AS l WHERE operation ILIKE 'f%' AND resource NOT ILIKE '%E1%'
SELECT count(*) FROM <logs> AS l WHERE resource SIMILAR TO '/etc/file1(0|1)'
SELECT count(*) FROM <logs> AS l WHERE resource ~ '^/etc' AND resource !~ '9$' AND operation ~* 'FILE' AND operation !~* 'x'
SELECT count(*), '\' || resource AS r FROM <logs> AS l WHERE resource <> 'a\b' AND resource <> '\' GROUP BY 2
SELECT E'a\nb''c\\' || operation AS r, count(*) FROM <logs> AS l GROUP BY 1
SELECT 'Grüße 🦀 $1 ; -- /* "x" ' || operation AS r FROM <logs> AS l
SELECT operation AS "Odd ""name""; --" FROM <logs> AS l ORDER BY event_id LIMIT 2
SELECT CASE WHEN pid > 10 THEN 'big' WHEN pid IS NULL THEN NULL END AS c, count(*) FROM <logs> AS l GROUP BY 1
SELECT CASE operation WHEN 'File' THEN 1 WHEN 'Process' THEN 2 ELSE -3 END AS c, count(*) FROM <logs> AS l GROUP BY 1
SELECT CASE WHEN pid > 10 THEN 1 ELSE 2.5 END AS c FROM <logs> AS l
SELECT coalesce(pid, -1), nullif(pid, 3), greatest(pid, uid), least(pid, uid, 5) FROM <logs> AS l
SELECT -pid, - (-pid), pid - -5, abs(-pid), +pid FROM <logs> AS l
SELECT pid # 3, pid & 6, pid | 8, pid << 2, pid >> 1 FROM <logs> AS l
SELECT pid / 3, pid % 3, pid * pid, pid ^ 2, pid / 3.0 FROM <logs> AS l
SELECT pid::text || '-' || uid::text, pid::text::int, (pid > 3)::text, (pid > 3)::int FROM <logs> AS l
SELECT pid::float8 / 0 AS f FROM <logs> AS l WHERE false
SELECT count(*), v FROM (SELECT CASE WHEN pid > 3 THEN 'NaN'::float8 ELSE pid::float8 END AS v FROM <logs> AS l) AS q GROUP BY v
SELECT min(v), max(v), sum(v), avg(v), count(DISTINCT v) FROM (SELECT CASE WHEN pid > 3 THEN 'NaN'::float8 ELSE pid::float8 END AS v FROM <logs> AS l) AS q
SELECT v, event_id FROM (SELECT CASE WHEN pid > 15 THEN 'NaN'::float8 WHEN pid > 12 THEN '-inf'::float8 ELSE pid::float8 END AS v, event_id FROM <logs> AS l) AS q ORDER BY v DESC NULLS LAST, event_id LIMIT 200
SELECT count(*) FROM <logs> AS l WHERE pid::float8 <> 'NaN' AND pid::real < '1e10'
SELECT date_trunc('hour', time), count(*) FROM <logs> AS l GROUP BY 1
SELECT date_trunc('day', time), extract(hour FROM time), date_part('minute', time), count(*) FROM <logs> AS l GROUP BY 1, 2, 3
SELECT extract(epoch FROM time), time::date, time::timestamp, time::text, to_char(time, 'YYYY-MM-DD HH24:MI:SS') FROM <logs> AS l
SELECT time AT TIME ZONE 'Europe/Berlin', date_trunc('day', time AT TIME ZONE 'Europe/Berlin') FROM <logs> AS l
SELECT date_bin('15 minutes', time, timestamptz '2026-01-01 00:00:00+00'), count(*) FROM <logs> AS l GROUP BY 1
SELECT count(*) FROM <logs> AS l WHERE time > '2026-11-23 11:00:00' AND time < '2026-11-23 11:30:00+00'
SELECT count(*) FROM <logs> AS l WHERE time BETWEEN '2026-11-23 10:15' AND now() - interval '20 minutes'
SELECT count(*) FROM <logs> AS l WHERE time + interval '1 hour' > now() AND time - received_at < interval '10 minutes'
SELECT count(*) FROM <logs> AS l WHERE time::date = date '2026-11-23' AND extract(minute FROM time) > 30
SELECT count(*) FROM <logs> AS l WHERE time::date = current_date
SELECT count(*) FROM <logs> AS l WHERE time < now() AND time > current_timestamp - interval '1 hour'
SELECT event_id FROM <logs> AS l WHERE time > now() AND time < now() - interval '1 hour'
SELECT event_id FROM <logs> AS l WHERE namespace_name = 'a' AND namespace_name = 'b'
SELECT count(*) FROM <logs> AS l WHERE namespace_name = 'namespace_name1' OR pid = 3
SELECT count(*) FROM <logs> AS l WHERE namespace_name NOT IN ('namespace_name1', 'namespace_name2')
SELECT count(*) FROM <logs> AS l WHERE namespace_name NOT IN ('namespace_name1', NULL)
SELECT count(*) FROM <logs> AS l WHERE namespace_name IN ('namespace_name1', NULL)
SELECT count(*) FROM <logs> AS l WHERE namespace_name IS NULL OR namespace_name = 'nothere'
SELECT count(*) FROM <logs> AS l WHERE (namespace_name = 'nothere') IS NULL
SELECT count(*) FROM <logs> AS l WHERE (namespace_name = 'nothere') IS NOT TRUE
SELECT count(*) FROM <logs> AS l WHERE (namespace_name = 'nothere') IS UNKNOWN OR (pid = 3) IS FALSE
SELECT count(*) FROM <logs> AS l WHERE NOT (namespace_name = 'nothere' AND pid = 3)
SELECT count(*) FROM <logs> AS l WHERE lower(namespace_name) = 'namespace_name1' AND length(pod_name) > 3
SELECT count(*) FROM <logs> AS l WHERE namespace_name || 'x' = 'namespace_name1x'
SELECT count(*) FROM <logs> AS l WHERE upper(feed) = 'FEED1' AND cluster_name = 'cluster_name1'
SELECT count(*) FROM <logs> AS l WHERE feed = cluster_name OR feed > 'feed1'
SELECT count(*) FROM <logs> AS l WHERE (namespace_name, pod_name) = ('namespace_name1', 'pod_name1')
SELECT count(*) FROM <logs> AS l WHERE (namespace_name, pod_name) IN (('namespace_name1', 'pod_name1'), ('namespace_name2', 'pod_name2'))
SELECT count(*) FROM <logs> AS l WHERE pid = ANY (ARRAY[1, 2, 3]) AND uid <> ALL (ARRAY[4, 5])
SELECT count(*) FROM <logs> AS l WHERE pid IN (1,2,3,4,5,6,7,8,9,10,11,12,13) AND uid NOT IN (1,2,3,4,5,6,7)
SELECT count(*) FROM <logs> AS l WHERE remote_ip IN ('10.0.0.1', '10.0.0.2')
SELECT remote_ip, count(*) FROM <logs> AS l GROUP BY remote_ip ORDER BY remote_ip
SELECT remote_ip, event_id FROM <logs> AS l ORDER BY remote_ip DESC, event_id LIMIT 5
SELECT count(*) FROM <alerts> AS a WHERE 'tag1' = ANY (tags)
SELECT count(*) FROM <alerts> AS a WHERE tags @> ARRAY['tag1']
SELECT count(*) FROM <alerts> AS a WHERE tags = '{tag0,tag1}' OR tags = ARRAY['tag0']
SELECT count(*) FROM <alerts> AS a WHERE tags = ARRAY[]::text[]
SELECT array_length(tags, 1), cardinality(tags), tags[1], array_to_string(tags, ','), tags || 'z'::text FROM <alerts> AS a
SELECT tags, event_id FROM <alerts> AS a ORDER BY tags, event_id LIMIT 20
SELECT labels ->> 'k', labels -> 'k', labels ? 'k', count(*) FROM <logs> AS l GROUP BY 1, 2, 3
SELECT count(*) FROM <logs> AS l WHERE (labels ->> 'k')::int > 2
SELECT event_id::text, upper(event_id::text) FROM <logs> AS l WHERE event_id > '00000000-0000-0064-0000-000000000000'
SELECT event_id FROM <logs> AS l WHERE event_id IN (SELECT event_id FROM <logs> AS l ORDER BY event_id LIMIT 3)
SELECT event_id FROM <logs> AS l ORDER BY event_id::text DESC LIMIT 3
SELECT substring(resource FROM 2 FOR 4), position('file' IN resource), overlay(resource PLACING 'x' FROM 2 FOR 3), trim(BOTH '/' FROM resource) FROM <logs> AS l
SELECT substr(resource, 3), left(resource, 3), right(resource, 3), replace(resource, 'e', '3'), split_part(resource, '/', 2), strpos(resource, 'f') FROM <logs> AS l
SELECT ceil(pid / 2.0), floor(pid / 2.0), round(pid / 3.0, 1), trunc(pid / 3.0), power(pid, 2), sqrt(pid) FROM <logs> AS l
SELECT concat(operation, NULL, pid), concat_ws('-', operation, pid, uid), lpad(operation, 12, '.'), repeat('x', pid), reverse(operation), initcap(operation) FROM <logs> AS l
SELECT ltrim(resource, '/'), rtrim(resource, '0123456789'), btrim(resource, '/'), starts_with(resource, '/etc'), md5(resource), ascii(operation), chr(65 + pid) FROM <logs> AS l
SELECT regexp_replace(resource, '[0-9]+', 'N'), regexp_match(resource, '([0-9])'), regexp_like(resource, '1'), regexp_count(resource, '1') FROM <logs> AS l
SELECT current_user, current_database(), pid FROM <logs> AS l
SELECT quote_literal(operation), quote_ident(operation), length(resource), char_length(resource), octet_length(resource) FROM <logs> AS l
SELECT to_timestamp(pid), make_interval(secs => pid) FROM <logs> AS l
SELECT pid + 1 + 1 + 1 + 1 + uid + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + uid + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 FROM <logs> AS l
SELECT operation || 'a' || 'b' || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid || pid || 'c' || uid FROM <logs> AS l
SELECT event_id FROM <logs> AS l WHERE event_id = (SELECT max(event_id) FROM <logs> AS l)
SELECT count(*) FROM <logs> AS l WHERE event_id <> '00000000-0000-0064-0000-000000000000' AND '00000000-0000-0004-0000-000000000000' < event_id
SELECT count(*) FROM <logs> AS l WHERE event_id IN ('00000000-0000-0064-0000-000000000000') OR event_id::text LIKE '%a'
SELECT count(*) FROM <logs> AS l WHERE event_id BETWEEN '00000000-0000-0004-0000-000000000000' AND '00000000-0000-0064-0000-000000000000'
SELECT count(*) FROM <logs> AS l WHERE CASE WHEN event_id > '00000000-0000-0064-0000-000000000000' THEN content_hash ELSE event_id END <> content_hash
SELECT event_id FROM <logs> AS l WHERE NOT pid IS DISTINCT FROM 3 OR uid = 2
SELECT event_id FROM <logs> AS l WHERE host_pid > 3 AND pid IS DISTINCT FROM 3 OR uid = 2 AND ppid = 1
SELECT pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - 1))))))))))))))))) FROM <logs> AS l
SELECT sum(pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - (pid - (uid - 1)))))))))))))))))) FROM <logs> AS l
SELECT pid - uid - 1 - host_pid, pid / 2 / 3, (pid - (uid - 1)) - 2, pid * uid / 3 * 2, 100 / (pid + 1) / 2, 7 - pid - 1 + uid - 2 FROM <logs> AS l
SELECT count(*) FROM <logs> AS l WHERE pid IN (3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008, 3009, 3010, 3011, 3012, 3013, 3014, 3015, 3016, 3017, 3018, 3019, 3020, 3021, 3022, 3023, 3024, 3025, 3026, 3027, 3028, 3029, 3030, 3031, 3032, 3033, 3034, 3035, 3036, 3037, 3038, 3039, 3040, 3041, 3042, 3043, 3044, 3045, 3046, 3047, 3048, 3049, 3050, 3051, 3052, 3053, 3054, 3055, 3056, 3057, 3058, 3059, 3060, 3061, 3062, 3063, 3064, 3065, 3066, 3067, 3068, 3069, 3070, 3071, 3072, 3073, 3074, 3075, 3076, 3077, 3078, 3079, 3080, 3081, 3082, 3083, 3084, 3085, 3086, 3087, 3088, 3089, 3090, 3091, 3092, 3093, 3094, 3095, 3096, 3097, 3098, 3099, 3100, 3101, 3102, 3103, 3104, 3105, 3106, 3107, 3108, 3109, 3110, 3111, 3112, 3113, 3114, 3115, 3116, 3117, 3118, 3119, 3120, 3121, 3122, 3123, 3124, 3125, 3126, 3127, 3128, 3129, 3130, 3131, 3132, 3133, 3134, 3135, 3136, 3137, 3138, 3139, 3140, 3141, 3142, 3143, 3144, 3145, 3146, 3147, 3148, 3149, 3150, 3151, 3152, 3153, 3154, 3155, 3156, 3157, 3158, 3159, 3160, 3161, 3162, 3163, 3164, 3165, 3166, 3167, 3168, 3169, 3170, 3171, 3172, 3173, 3174, 3175, 3176, 3177, 3178, 3179, 3180, 3181, 3182, 3183, 3184, 3185, 3186, 3187, 3188, 3189, 3190, 3191, 3192, 3193, 3194, 3195, 3196, 3197, 3198, 3199, 3200, 3201, 3202, 3203, 3204, 3205, 3206, 3207, 3208, 3209, 3210, 3211, 3212, 3213, 3214, 3215, 3216, 3217, 3218, 3219, 3220, 3221, 3222, 3223, 3224, 3225, 3226, 3227, 3228, 3229, 3230, 3231, 3232, 3233, 3234, 3235, 3236, 3237, 3238, 3239, 3240, 3241, 3242, 3243, 3244, 3245, 3246, 3247, 3248, 3249, 3250, 3251, 3252, 3253, 3254, 3255, 3256, 3257, 3258, 3259, 3260, 3261, 3262, 3263, 3264, 3265, 3266, 3267, 3268, 3269, 3270, 3271, 3272, 3273, 3274, 3275, 3276, 3277, 3278, 3279, 3280, 3281, 3282, 3283, 3284, 3285, 3286, 3287, 3288, 3289, 3290, 3291, 3292, 3293, 3294, 3295, 3296, 3297, 3298, 3299, 3300, 3301, 3302, 3303, 3304, 3305, 3306, 3307, 3308, 3309, 3310, 3311, 3312, 3313, 3314, 3315, 3316, 3317, 3318, 3319, 3320, 3321, 3322, 3323, 3324, 3325, 3326, 3327, 3328, 3329, 3330, 3331, 3332, 3333, 3334, 3335, 3336, 3337, 3338, 3339, 3340, 3341, 3342, 3343, 3344, 3345, 3346, 3347, 3348, 3349, 3350, 3351, 3352, 3353, 3354, 3355, 3356, 3357, 3358, 3359, 3360, 3361, 3362, 3363, 3364, 3365, 3366, 3367, 3368, 3369, 3370, 3371, 3372, 3373, 3374, 3375, 3376, 3377, 3378, 3379, 3380, 3381, 3382, 3383, 3384, 3385, 3386, 3387, 3388, 3389, 3390, 3391, 3392, 3393, 3394, 3395, 3396, 3397, 3398, 3399, 5)
SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT pid AS a FROM <logs> AS l) AS q0) AS q1) AS q2) AS q3) AS q4) AS q5) AS q6) AS q7) AS q8) AS q9) AS q10
SELECT sum(a) FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT greatest(a, a, a) AS a FROM (SELECT pid AS a FROM <logs> AS l) AS q0) AS q1) AS q2) AS q3) AS q4) AS q5) AS q6) AS q7) AS q8) AS q9) AS q10) AS q
SELECT regexp_replace(resource, '(\d)(\d)?', '[\2\1]', 'g'), regexp_match(resource, 'file|(f)(i)'), regexp_split_to_array(resource, '/+'), substring(resource FROM 'e(.)'), regexp_substr(resource, '\d+'), regexp_instr(resource, '\d') FROM <logs> AS l
SELECT count(*) FROM <logs> AS l WHERE resource ~ '\mfile\d+$' AND resource SIMILAR TO '%(file|dir)%' AND resource !~* 'XYZ'
SELECT initcap(resource), translate(resource, 'aeiou', 'AEI'), lpad(resource, 5, 'xy'), rpad(resource, 30), reverse(resource), repeat(operation, 2), md5(resource), starts_with(resource, '/etc'), concat_ws('|', pid, resource, NULL, uid) FROM <logs> AS l
SELECT to_char(time, 'Day DD Mon YYYY HH12:MI:SS.US AM TZ'), to_char(pid, 'FM9,990.00'), to_char(time - received_at, 'HH24:MI:SS'), to_timestamp(to_char(time, 'YYYY-MM-DD HH24:MI'), 'YYYY-MM-DD HH24:MI') FROM <logs> AS l
SELECT age(time, received_at), age(time, timestamptz '2020-02-29 00:00+00'), justify_interval(time - timestamptz '2020-02-29 00:00+00'), extract(epoch FROM time - received_at), date_part('dow', time), extract(julian FROM time), extract(isoyear FROM time) FROM <logs> AS l
SELECT (time, received_at) OVERLAPS (timestamptz '2026-11-23 10:00+00', interval '1 hour'), make_date(2026, 1, 1 + pid % 20), (received_at - time) * 1.5, (received_at - time) / 2 FROM <logs> AS l
SELECT labels #>> '{k}', labels @> '{"k": "1"}', labels ?| ARRAY['k', 'x'], labels || '{"z": 1}', labels - 'k', jsonb_typeof(labels -> 'k'), jsonb_set(labels, '{n}', '2'), jsonb_path_exists(labels, '$.k ? (@ == "1")'), count(*) FROM <logs> AS l GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
SELECT jsonb_build_object('p', pid, 't', time, 'r', resource), to_json(resource), json_build_array(pid, NULL, labels) FROM <logs> AS l
SELECT pid = ANY (ARRAY[1, NULL, 3]), pid > ALL (ARRAY[1, 2]), operation LIKE ANY (ARRAY['F%', 'P%']), width_bucket(pid, 0, 20, 4), to_hex(pid) FROM <logs> AS l
SELECT tags[1], tags[2:3], array_length(tags, 1), tags && ARRAY['tag1', 'tag2'], tags || 'more'::text, array_position(tags, 'tag1'), array_remove(tags, 'tag1'), array_to_string(tags, ','), tags <@ ARRAY['tag1', 'tag2', 'tag3'] FROM <alerts> AS a
SELECT remote_ip << '10.0.0.0/8', host(remote_ip), family(remote_ip), masklen(remote_ip), network(remote_ip), remote_ip <<= '0.0.0.0/0', count(*) FROM <logs> AS l GROUP BY 1, 2, 3, 4, 5, 6
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pid), percentile_disc(0.9) WITHIN GROUP (ORDER BY pid DESC), mode() WITHIN GROUP (ORDER BY operation) FROM <logs> AS l
SELECT namespace_name, jsonb_agg(pid ORDER BY pid, event_id), json_object_agg(event_id, uid ORDER BY event_id), every(pid > 0) FROM <logs> AS l GROUP BY 1
SELECT count(*) FROM <logs> AS l, regexp_split_to_table(l.resource, '/') AS part WHERE part <> ''
SELECT l.event_id, e.key, e.value FROM <logs> AS l CROSS JOIN LATERAL jsonb_each_text(l.labels) AS e(key, value)
SELECT namespace_name, sum(pid * 1.25), avg(pid / 7.0), stddev(uid * 0.5), sum(DISTINCT pid * 0.5) FROM <logs> AS l GROUP BY namespace_name
