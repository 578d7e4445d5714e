-- Which type an expression has: operators, functions, aggregates and literals.
SELECT pg_typeof(1 + 1), pg_typeof(1 + 1.0), pg_typeof(1 + 1::float4), pg_typeof(1::int8 + 1::float4), pg_typeof(1::int2 * 1::int8), pg_typeof(1::float4 * 1::float4);
SELECT pg_typeof(1 / 2), pg_typeof(1 / 2.0), pg_typeof(2 ^ 2), pg_typeof(2.0 ^ 2), pg_typeof(5 % 2), pg_typeof(-1::int2), pg_typeof(1::float4 + 1.5);
SELECT pg_typeof(abs(-1)), pg_typeof(abs(-1.5)), pg_typeof(ceil(1)), pg_typeof(ceil(1.5)), pg_typeof(round(1)), pg_typeof(round(1.5, 1)), pg_typeof(trunc(1::float8)), pg_typeof(sqrt(4)), pg_typeof(power(2, 2));
SELECT pg_typeof(date '2024-01-01' + 1), pg_typeof(date '2024-01-01' - date '2024-01-01'), pg_typeof(date '2024-01-01' + interval '1 day'), pg_typeof(now() - now()), pg_typeof(now() + interval '1 h'), pg_typeof(time '10:00' - time '09:00'), pg_typeof(time '10:00' + interval '1 h');
SELECT pg_typeof(extract(day FROM now())), pg_typeof(date_part('day', now())), pg_typeof(date_trunc('day', now())), pg_typeof(date_trunc('day', localtimestamp)), pg_typeof(to_char(now(), 'YYYY')), pg_typeof(to_date('2024', 'YYYY')), pg_typeof(to_timestamp(1)), pg_typeof(age(now()));
SELECT pg_typeof(now() AT TIME ZONE 'UTC'), pg_typeof(localtimestamp AT TIME ZONE 'UTC'), pg_typeof(make_date(2024, 1, 1)), pg_typeof(make_interval(days => 1)), pg_typeof(justify_days(interval '1 day')), pg_typeof(date_bin('1 day', localtimestamp, localtimestamp));
SELECT pg_typeof(upper('a')), pg_typeof(length('a')), pg_typeof(left('a', 1)), pg_typeof('a' LIKE 'b'), pg_typeof(split_part('a', ',', 1)), pg_typeof(string_to_array('a', ',')), pg_typeof(md5('a')), pg_typeof(sha256('a')), pg_typeof(ascii('a')), pg_typeof(regexp_matches('a', 'a'));
SELECT pg_typeof('{}'::json), pg_typeof('{}'::jsonb -> 'a'), pg_typeof('{}'::jsonb ->> 'a'), pg_typeof(to_json(1)), pg_typeof(jsonb_build_object()), pg_typeof(json_agg(1)), pg_typeof(jsonb_array_length('[]')), pg_typeof(jsonb_typeof('1'));
SELECT pg_typeof(row_number() OVER ()), pg_typeof(rank() OVER ()), pg_typeof(ntile(2) OVER ()), pg_typeof(percent_rank() OVER ()), pg_typeof(lag(1) OVER ()), pg_typeof(first_value('a'::text) OVER ());
SELECT pg_typeof(percentile_cont(0.5) WITHIN GROUP (ORDER BY 1)), pg_typeof(percentile_disc(0.5) WITHIN GROUP (ORDER BY 1)), pg_typeof(mode() WITHIN GROUP (ORDER BY 'a'::text)), pg_typeof(percentile_cont(0.5) WITHIN GROUP (ORDER BY interval '1 day'));
SELECT pg_typeof(x) FROM generate_series(1, 1) AS x;
SELECT pg_typeof(x) FROM generate_series(1, 1::int8) AS x;
SELECT pg_typeof(x) FROM generate_series(1, 1.0) AS x;
SELECT pg_typeof(x) FROM generate_series(date '2024-01-01', date '2024-01-01', '1 day') AS x;
SELECT pg_typeof(current_user), pg_typeof(current_schema()), pg_typeof(current_schemas(true)), pg_typeof(version()), pg_typeof(pg_backend_pid()), pg_typeof(current_setting('TimeZone')), pg_typeof('pg_class'::regclass), pg_typeof('int'::regtype), pg_typeof(1::oid);
