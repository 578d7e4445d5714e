# Panels of Grafana; macros are expanded as its PostgreSQL data source does, also the fill variants
SELECT 1
SELECT current_setting('server_version_num')::int/100 as version
SELECT $__time(time), pid AS value FROM logs WHERE $__timeFilter(time) ORDER BY 1, 2
SELECT $__timeEpoch(time), severity FROM alerts WHERE $__timeFilter(time) ORDER BY 1, 2
SELECT $__timeGroupAlias(time,'1m'), count(*) AS "value" FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroup(time,'1m') AS time, count(*) FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(time,'5m',0), count(*) AS "value" FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(time,'5m',NULL), count(*) AS "value" FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(time,'5m',previous), avg(pid) AS "value" FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(time,'5m',1.5), max(pid) AS "value" FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroup(time,'10s',NULL) AS "time", operation AS metric, count(*) AS n FROM logs WHERE $__timeFilter(time) GROUP BY 1, 2 ORDER BY 1, 2
SELECT $__timeGroup(time,'0.5s'), sum(pid) FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(time,'250ms'), sum(pid) FROM logs WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(time,'1h'), namespace_name AS metric, count(*) FROM alerts WHERE $__timeFilter(time) AND namespace_name IN ('default','kube-system') GROUP BY 1, 2 ORDER BY 1, 2
SELECT $__timeGroupAlias(time,'1d'), avg(severity) AS "avg severity", percentile_cont(0.95) WITHIN GROUP (ORDER BY severity) AS p95 FROM alerts WHERE $__timeFilter(time) GROUP BY 1 ORDER BY 1
SELECT count(*) FROM logs WHERE time > $__timeFrom() AND time <= $__timeTo()
SELECT count(*) FROM alerts WHERE time BETWEEN $__timeFrom() AND $__timeTo()
SELECT extract(epoch from time)::bigint AS time, pid AS value FROM logs WHERE $__unixEpochFilter(extract(epoch from time)) ORDER BY 1, 2
SELECT e.s AS time, count(*) FROM (SELECT extract(epoch from time)::bigint AS s FROM logs) e WHERE $__unixEpochFilter(e.s) GROUP BY 1 ORDER BY 1
SELECT $__unixEpochGroup(e.s,'5m') AS time, count(*) FROM (SELECT extract(epoch from time)::bigint AS s FROM logs) e WHERE $__unixEpochFilter(e.s) GROUP BY 1 ORDER BY 1
SELECT $__unixEpochGroupAlias(e.s,'1m',NULL), count(*) FROM (SELECT extract(epoch from time)::bigint AS s FROM logs) e WHERE $__unixEpochFilter(e.s) GROUP BY 1 ORDER BY 1
SELECT $__unixEpochGroupAlias(e.s,'1m',0), count(*) FROM (SELECT extract(epoch from time)::bigint AS s FROM logs) e GROUP BY 1 ORDER BY 1
SELECT count(*) FROM (SELECT (extract(epoch from time) * 1000000000)::bigint AS ns FROM logs) e WHERE $__unixEpochNanoFilter(e.ns)
SELECT $__unixEpochNanoFrom(), $__unixEpochNanoTo()
SELECT DISTINCT namespace_name FROM logs WHERE namespace_name IS NOT NULL ORDER BY 1
SELECT pod_name AS __text, container_name AS __value FROM logs GROUP BY 1, 2 ORDER BY 1, 2
SELECT time, time + interval '5 minutes' AS timeend, message AS text, policy_name AS tags FROM alerts WHERE $__timeFilter(time) AND severity >= 5 ORDER BY 1, 3
SELECT time AS "time", resource FROM logs WHERE $__timeFilter(time) AND resource ~* 'passwd|shadow' ORDER BY 1, 2
SELECT time AS "time", concat(operation, ' ', resource) AS line, labels FROM logs WHERE $__timeFilter(time) ORDER BY 1 DESC, 2, event_id LIMIT 100
SELECT date_trunc('minute', time) AS time, result::text AS metric, count(*)::int FROM logs WHERE $__timeFilter(time) GROUP BY 1, 2 ORDER BY 1, 2
SELECT count(*) AS "value" FROM alerts WHERE time > $__timeFrom()::timestamptz AND action = 'Block'
SELECT AVG(pid), operation FROM logs GROUP BY operation ORDER BY operation LIMIT 50
SELECT COUNT(pod_name) AS "pods", namespace_name FROM public.logs WHERE (operation = 'File' AND result <> 'Passed') GROUP BY namespace_name ORDER BY COUNT(pod_name) DESC, 2 LIMIT 50
SELECT SUM(pid), STDDEV(pid), VARIANCE(pid), MIN(pid), MAX(pid), COUNT(*) FROM logs LIMIT 50
SELECT time AS "time", pid FROM logs WHERE time BETWEEN '1990-01-01T00:00:00Z' AND '1990-01-02T00:00:00Z' ORDER BY 1
SELECT 'namespace_name' AS col_name, "namespace_name"::text AS val FROM (SELECT DISTINCT "namespace_name" FROM "public"."logs" WHERE "namespace_name" IS NOT NULL ORDER BY "namespace_name" LIMIT 100) sub_0 UNION ALL SELECT 'uid' AS col_name, "uid"::text AS val FROM (SELECT DISTINCT "uid" FROM "public"."logs" WHERE "uid" IS NOT NULL ORDER BY "uid" LIMIT 100) sub_1
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE CASE WHEN array_length(parse_ident('item'),1) = 2 THEN quote_ident(table_schema) = (parse_ident('item'))[1] AND quote_ident(table_name) = (parse_ident('item'))[2] ELSE quote_ident(table_name) = 'item' AND quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i, string_to_array(current_setting('search_path'),',') s) END
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE CASE WHEN array_length(parse_ident('public.logs'),1) = 2 THEN quote_ident(table_schema) = (parse_ident('public.logs'))[1] AND quote_ident(table_name) = (parse_ident('public.logs'))[2] ELSE false END
SELECT column_name, data_type, udt_name, numeric_precision, numeric_scale FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'item' ORDER BY ordinal_position
SELECT column_name, data_type, udt_name, numeric_precision, numeric_scale FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'logs' ORDER BY ordinal_position
SELECT $__timeGroup(time,'5m'), nosuch FROM logs
SELECT $__timeGroupAlias(at,'30d'), count(*) FROM item WHERE $__timeFilter(at) GROUP BY 1 ORDER BY 1
SELECT $__timeGroupAlias(ts,'1h',0), sum(n) AS value FROM item WHERE ts > '2000-01-01' GROUP BY 1 ORDER BY 1
SELECT $__timeEpoch(ts), n FROM item ORDER BY 1, 2
SELECT $__timeEpoch(day), id FROM item ORDER BY 1, 2
SELECT $__time(at), n AS value, v AS metric FROM item WHERE at IS NOT NULL ORDER BY 1, 2, 3
