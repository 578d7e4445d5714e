-- Pages of events, in an order that is whole.
SELECT event_id, operation FROM logs ORDER BY event_id LIMIT 3;
SELECT event_id, operation FROM logs ORDER BY event_id OFFSET 3 LIMIT 3;
SELECT event_id, operation FROM logs WHERE event_id > '00000000-0000-0001-d775-3346da1ece14' ORDER BY event_id LIMIT 2;
SELECT time, event_id FROM logs ORDER BY time DESC, event_id DESC LIMIT 3;
SELECT time, event_id FROM logs WHERE (time, event_id) < ('2026-11-23 11:00:00+00', '00000000-0000-0001-d775-3346da1ece14') ORDER BY time DESC, event_id DESC LIMIT 2;
SELECT pid, event_id FROM logs ORDER BY pid NULLS FIRST, event_id LIMIT 2;
SELECT pid, event_id FROM logs ORDER BY pid DESC NULLS LAST, event_id LIMIT 2;
SELECT pid, uid FROM logs ORDER BY pid + uid DESC NULLS LAST, event_id FETCH FIRST 3 ROWS ONLY;
SELECT lower(operation) AS op FROM logs ORDER BY op, event_id LIMIT 2;
SELECT operation FROM logs ORDER BY event_id OFFSET 398;
SELECT operation FROM logs ORDER BY event_id OFFSET 400;
SELECT operation FROM logs ORDER BY event_id LIMIT 0;
SELECT count(*) FROM (SELECT 1 FROM logs LIMIT 7) AS few;
SELECT count(*) FROM (SELECT 1 FROM logs LIMIT ALL OFFSET 390) AS rest;
SELECT operation FROM logs LIMIT -1;
SELECT operation FROM logs OFFSET -1;
SELECT operation FROM logs ORDER BY 2;
SELECT operation FROM logs ORDER BY nothing;
