-- IntervalStyle: the four ways to write a span of time.
SET IntervalStyle = 'postgres';
SELECT interval '1 year 2 months 3 days 04:05:06.7', interval '-1 year -2 months', interval '1 day -00:00:01', interval '0', interval '-3 days', interval '10:00', interval '1 month', interval '1.5 seconds';
SET IntervalStyle = 'postgres_verbose';
SELECT interval '1 year 2 months 3 days 04:05:06.7', interval '-1 year -2 months', interval '1 day -00:00:01', interval '0', interval '-3 days', interval '10:00', interval '1 month', interval '1.5 seconds';
SET IntervalStyle = 'sql_standard';
SELECT interval '1 year 2 months 3 days 04:05:06.7', interval '-1 year -2 months', interval '1 day -00:00:01', interval '0', interval '-3 days', interval '10:00', interval '1 month', interval '1.5 seconds';
SET IntervalStyle = 'iso_8601';
SELECT interval '1 year 2 months 3 days 04:05:06.7', interval '-1 year -2 months', interval '1 day -00:00:01', interval '0', interval '-3 days', interval '10:00', interval '1 month', interval '1.5 seconds';
SHOW IntervalStyle;
SET IntervalStyle = 'unknown';
RESET IntervalStyle;
SELECT interval '-1 2:03:04', interval '1-2 3 4:05:06', interval '1 mon -1 day', interval '-1 mon 1 day';
SELECT timestamp '2024-03-01' - timestamp '2024-02-01 01:00', time '10:00' - time '12:30', age(timestamp '2024-03-01', timestamp '2023-01-15 12:00');
