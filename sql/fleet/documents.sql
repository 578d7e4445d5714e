-- The parts of events that are documents.
SELECT labels ->> 'k' AS k, count(*) FROM logs GROUP BY 1 ORDER BY 1;
SELECT labels -> 'k' AS k, count(*) FROM alerts GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM logs WHERE labels ->> 'k' = '2';
SELECT count(*) FROM logs WHERE (labels ->> 'k')::int > 2;
SELECT count(*) FROM logs WHERE labels IS NULL AND extra IS NOT NULL;
SELECT count(*) FROM logs WHERE labels = extra;
SELECT count(*) FROM logs WHERE labels @> '{"k": "1"}' OR extra @> '{"k": "1"}';
SELECT count(*) FROM logs WHERE labels ? 'k', count(*);
SELECT count(*) FROM logs WHERE jsonb_typeof(labels -> 'k') = 'string';
SELECT key, count(*) FROM logs, jsonb_each_text(labels) GROUP BY key ORDER BY key;
SELECT k, count(*) FROM logs, jsonb_object_keys(event_data) AS k GROUP BY k ORDER BY k;
SELECT jsonb_agg(labels ->> 'k' ORDER BY event_id) FROM (SELECT * FROM logs ORDER BY event_id LIMIT 5) AS first;
SELECT jsonb_build_object('op', operation, 'pid', pid) FROM logs ORDER BY event_id LIMIT 3;
SELECT jsonb_object_agg(operation, n) FROM (SELECT operation, count(*) AS n FROM logs WHERE operation IS NOT NULL GROUP BY 1) AS c;
SELECT labels || '{"seen": true}' FROM logs WHERE labels IS NOT NULL ORDER BY event_id LIMIT 2;
SELECT labels #>> '{k}', labels #> '{none}' FROM logs ORDER BY event_id LIMIT 2;
SELECT max(labels ->> 'k'), min((labels ->> 'k')::int), sum((labels ->> 'k')::numeric) FROM logs;
SELECT labels -> 'k' + 1 FROM logs;
