-- Statistical aggregates over floats and exact numbers.
SELECT stddev(x), stddev_samp(x), stddev_pop(x), variance(x), var_samp(x), var_pop(x) FROM (VALUES (2), (4), (4), (4), (5), (5), (7), (9)) AS v(x);
SELECT stddev_pop(x), var_samp(x) FROM (SELECT 1.0::float8 AS x WHERE false) AS v;
SELECT var_pop(x), stddev_pop(x) FROM (VALUES (1.5), (2.5), (NULL)) AS v(x);
SELECT var_pop(x), var_samp(x), stddev_pop(x) FROM (VALUES (1::float8), (2), (3), (4)) AS v(x);
SELECT corr(y, x), covar_pop(y, x), covar_samp(y, x) FROM (VALUES (1::float8, 2::float8), (2, 4), (3, 6)) AS v(x, y);
SELECT regr_slope(y, x), regr_intercept(y, x), regr_r2(y, x), regr_count(y, x), regr_avgx(y, x), regr_avgy(y, x), regr_sxx(y, x), regr_syy(y, x), regr_sxy(y, x) FROM (VALUES (1::float8, 3::float8), (2, 5), (3, 7), (NULL, 9)) AS v(x, y);
SELECT corr(y, x), regr_slope(y, x) FROM (VALUES (1::float8, 1::float8)) AS v(x, y);
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), percentile_disc(0.5) WITHIN GROUP (ORDER BY x), percentile_cont(0.9) WITHIN GROUP (ORDER BY x DESC), mode() WITHIN GROUP (ORDER BY x) FROM (VALUES (1), (2), (3), (4), (4)) AS v(x);
SELECT percentile_cont(ARRAY[0, 0.25, 0.5, 1]) WITHIN GROUP (ORDER BY x), percentile_disc(ARRAY[0.1, NULL, 0.9]) WITHIN GROUP (ORDER BY x) FROM generate_series(1, 10) AS x;
SELECT percentile_cont(1.1) WITHIN GROUP (ORDER BY x) FROM generate_series(1, 3) AS x;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY x) FROM (VALUES ('a'), ('b'), ('b'), (NULL)) AS v(x);
SELECT g, percentile_cont(0.5) WITHIN GROUP (ORDER BY x), count(*) FILTER (WHERE x > 1) FROM (VALUES ('a', 1), ('a', 2), ('b', 7)) AS v(g, x) GROUP BY g ORDER BY g;
SELECT width_bucket(x, 0, 10, 5), count(*) FROM (VALUES (-1), (0), (3), (5), (10), (11)) AS v(x) GROUP BY 1 ORDER BY 1;
SELECT width_bucket(5, 0, 10, 0);
SELECT width_bucket(5, 3, 3, 4);
SELECT width_bucket(8, 10, 0, 5), width_bucket(3, ARRAY[1, 3, 5]), width_bucket(0, ARRAY[1, 3]), width_bucket('2024-02-01'::date, ARRAY['2024-01-01', '2024-03-01']::date[]);
SELECT percentile_cont(0.5);
