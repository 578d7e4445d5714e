-- interval: spellings, parts, arithmetic, comparison.
SELECT interval '1 year 2 months 3 days 4 hours 5 minutes 6.5 seconds', interval '1-2', interval '3 4:05:06', interval '04:05', interval '-1 day', interval '1 day -2 hours', interval '2 weeks', interval '1.5 days', interval '0.1 month';
SELECT interval 'P1Y2M3DT4H5M6S', interval 'PT36H', interval 'P0001-02-03T04:05:06', interval '@ 1 minute', interval '1 hour ago', interval '1 mon 1 mon', interval '1 decade 1 century';
SELECT interval '1 fortnight';
SELECT interval 'abc';
SELECT interval '';
SELECT interval '1 day' + interval '1 hour', interval '1 month' - interval '1 day', -interval '1 day 2 hours', interval '1 day' * 2, 1.5 * interval '1 day', interval '1 day' / 4, interval '1 month' / 2, interval '1 hour' * 0.1;
SELECT interval '1 day' / 0;
SELECT extract(epoch FROM interval '1 day 1 hour'), extract(day FROM interval '40 days 50 hours'), extract(hour FROM interval '40 days 50 hours'), extract(month FROM interval '14 months'), extract(year FROM interval '14 months'), extract(minute FROM interval '150 minutes'), extract(second FROM interval '90.5 seconds'), extract(milliseconds FROM interval '1.5 seconds');
SELECT date_part('days', interval '3 days'), date_part('epoch', interval '1 month'), extract(quarter FROM interval '4 months'), extract(century FROM interval '150 years');
SELECT justify_hours(interval '50 hours'), justify_days(interval '45 days'), justify_interval(interval '1 month -1 hour'), justify_interval(interval '-1 month 40 days 30 hours');
SELECT age(timestamp '2024-03-01', timestamp '2024-01-31'), age(timestamp '2024-01-31', timestamp '2024-03-01'), age(date '2024-02-29', date '2020-02-29'), age(timestamp '2024-02-05 10:30', timestamp '2024-02-05 11:00');
SELECT make_interval(1, 2, 3, 4, 5, 6, 7.5), make_interval(days => 10, hours => 5), make_interval(weeks => 2), make_interval(secs => 90.25);
SELECT sum(i), avg(i), min(i), max(i), count(i) FROM (VALUES (interval '1 day'), (interval '2 hours'), (NULL), (interval '30 minutes')) AS v(i);
SELECT to_char(interval '1 day 02:03:04', 'DD HH24:MI:SS'), to_char(interval '26 hours', 'HH24:MI'), to_char(interval '1 year 3 months', 'YY "years" MM "months"');
SELECT interval '1 year' + date '2024-02-29', timestamp '2024-01-31' + interval '1 month', timestamp '2024-01-31' + interval '1 month 1 day', timestamp '2024-02-05' - interval '1 month' * 2;
SELECT isfinite(interval '1 day'), interval '0' = interval '0 days', interval '00:00', interval '-00:00:01', interval '1 day -00:00:01';
