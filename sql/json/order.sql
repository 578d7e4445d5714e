-- The order of jsonb: by kind, then by value.
SELECT j FROM (VALUES ('"x"'::jsonb), ('null'), ('10'), ('9'), ('-9.5'), ('-10'), ('[1]'), ('{}'), ('true'), ('[]'), ('"X"'), (NULL)) AS v(j) ORDER BY 1;
SELECT j FROM (VALUES ('{"b": 1}'::jsonb), ('{"aa": 0}'), ('{"a": 1, "b": 2}'), ('[3]'), ('[1, 2]')) AS v(j) ORDER BY j DESC;
SELECT array_agg(j ORDER BY j) FROM (VALUES ('"x"'::jsonb), ('null'), ('10'), ('9')) AS v(j);
SELECT row_number() OVER (ORDER BY j DESC), j FROM (VALUES ('10'::jsonb), ('9'), ('[1]')) AS v(j) ORDER BY 1;
SELECT max(j) FROM (VALUES ('10'::jsonb)) AS v(j);
