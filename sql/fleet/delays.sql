-- How long events were on their way.
SELECT avg(received_at - time), sum(received_at - time) FROM alerts;
SELECT min(received_at - time), max(received_at - time) FROM logs;
SELECT node, avg(received_at - time) FROM logs GROUP BY node ORDER BY node;
SELECT count(*) FROM logs WHERE received_at - time > '10 minutes';
SELECT count(*) FROM logs WHERE received_at - time BETWEEN '1 minute' AND '2 minutes';
SELECT extract(epoch FROM avg(received_at - time)) > 0 FROM logs;
SELECT round(avg(extract(epoch FROM received_at - time)), 3) FROM logs;
SELECT sum(received_at - time) FROM logs WHERE false;
SELECT justify_hours(sum(received_at - time)) FROM alerts;
SELECT max(time) - min(time), (max(time) - min(time)) / 2 FROM logs;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY received_at - time) FROM logs;
SELECT event_id, received_at - time AS delay FROM logs ORDER BY delay DESC, event_id LIMIT 3;
SELECT avg(time) FROM logs;
SELECT sum(time) FROM logs;
SELECT received_at + time FROM logs;
