-- Rows that may be there already.
CREATE TABLE ups_seen (pod text PRIMARY KEY, n int NOT NULL DEFAULT 1, last text, UNIQUE (last));
INSERT INTO ups_seen VALUES ('a', 1, 'x'), ('b', 5, 'y');
INSERT INTO ups_seen (pod) VALUES ('a') ON CONFLICT DO NOTHING;
INSERT INTO ups_seen (pod, last) VALUES ('c', 'x') ON CONFLICT DO NOTHING;
INSERT INTO ups_seen (pod, last) VALUES ('c', 'x') ON CONFLICT (pod) DO NOTHING;
INSERT INTO ups_seen (pod) VALUES ('a') ON CONFLICT (pod) DO UPDATE SET n = ups_seen.n + 1 RETURNING *;
INSERT INTO ups_seen (pod, n) VALUES ('b', 10) ON CONFLICT (pod) DO UPDATE SET n = excluded.n + ups_seen.n RETURNING pod, n;
INSERT INTO ups_seen (pod, n) VALUES ('b', 2), ('d', 20) ON CONFLICT (pod) DO UPDATE SET n = excluded.n + ups_seen.n;
INSERT INTO ups_seen AS s (pod, n) VALUES ('a', 3) ON CONFLICT (pod) DO UPDATE SET n = excluded.n WHERE s.n < 0 RETURNING *;
SELECT * FROM ups_seen ORDER BY pod;
INSERT INTO ups_seen (pod) VALUES ('z'), ('z') ON CONFLICT (pod) DO UPDATE SET n = 0;
INSERT INTO ups_seen (pod) VALUES ('z'), ('z') ON CONFLICT (pod) DO NOTHING;
INSERT INTO ups_seen (pod) VALUES ('q') ON CONFLICT (n) DO NOTHING;
INSERT INTO ups_seen (pod) VALUES ('a') ON CONFLICT DO UPDATE SET n = 1;
INSERT INTO ups_seen (pod, n) SELECT coalesce(pod_name, '?'), count(*) FROM logs GROUP BY 1 ON CONFLICT (pod) DO UPDATE SET n = excluded.n;
INSERT INTO ups_seen (pod, n) SELECT coalesce(pod_name, '?'), count(*) FROM alerts GROUP BY 1 ON CONFLICT (pod) DO UPDATE SET n = ups_seen.n + excluded.n;
SELECT pod, n FROM ups_seen WHERE last IS NULL ORDER BY pod;
DROP TABLE ups_seen;
-- RETURNING gives the rows in the order in which they were proposed.
create table in_order (id int primary key, v text);
insert into in_order values (1, 'a'), (3, 'c');
insert into in_order values (4, 'D'), (1, 'A'), (2, 'B'), (3, 'C') on conflict (id) do update set v = excluded.v returning *;
insert into in_order values (5, 'E'), (1, 'x'), (6, 'F') on conflict (id) do update set v = excluded.v where in_order.v <> 'A' returning *;
insert into in_order values (7, 'G'), (1, 'x'), (8, 'H') on conflict do nothing returning id;
drop table in_order;
