-- uuid: accepted spellings, comparison and casts.
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid;
SELECT 'a0eebc99-9c0b-4ef8-bb6d'::uuid;
SELECT 'x0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid;
SELECT ''::uuid;
SELECT uuid '00000000-0000-0000-0000-000000000000', uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff';
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11'::uuid;
SELECT x < 'a0000000-0000-0000-0000-000000000000', x > '00000000-0000-0000-0000-000000000000' FROM (VALUES ('0b000000-0000-0000-0000-000000000000'::uuid)) AS v(x);
SELECT '0b000000-0000-0000-0000-000000000000'::uuid::text || '!', '0b000000-0000-0000-0000-000000000000'::text::uuid, '0b000000-0000-0000-0000-000000000000'::varchar::uuid;
SELECT '0b000000-0000-0000-0000-000000000000'::uuid::int;
SELECT ARRAY['0b000000-0000-0000-0000-000000000000']::uuid[], '{0b000000-0000-0000-0000-000000000000}'::uuid[];
SELECT '0b000000-0000-0000-0000-000000000000'::uuid IN ('0b000000-0000-0000-0000-000000000000', '0c000000-0000-0000-0000-000000000000');
SELECT to_jsonb('0b000000-0000-0000-0000-000000000000'::uuid), md5('armorlake')::uuid, NULL::uuid;
SELECT length(gen_random_uuid()::text), gen_random_uuid() <> gen_random_uuid(), substr(gen_random_uuid()::text, 15, 1), pg_typeof(gen_random_uuid());
