-- Intervals as texts.
SELECT interval '1 year 2 mons -3 days 04:05:06.7'::text, (interval '90 min')::varchar, cast(interval '0' AS text);
SELECT 'took ' || (timestamp '2024-01-02 03:04:05' - timestamp '2024-01-01')::text;
SELECT length(x::text), x::varchar(5) FROM (VALUES (interval '1 day'), (interval '1 mon -1 day'), (NULL)) AS v(x);
SELECT string_agg(x::text, ', ' ORDER BY x) FROM (VALUES (interval '1 day'), (interval '2 hours')) AS v(x);
SELECT timestamp '2024-01-02 03:04:05'::varchar(4), date '2024-01-02'::text::char(7) || '|';
SELECT interval '1 day 04:05:06.5'::time, interval '-1 hour'::time, interval '25 hours'::time, interval '1 mon'::time;
