"""What expressions are made of: literals at the edges of each type, columns of `item`, and functions.

A rule is a line: the result's type, then a template with holes `{type}`. Types ending in a word of their
own (`unit`, `field`, `pattern` ...) are pools of texts that only make sense in one place.
"""

from .statement import Grammar

LITERALS = {
    "bool": ["true", "false", "NULL::bool"],
    "int": ["0", "1", "-1", "2", "3", "5", "7", "-7", "10", "-10", "12", "100", "NULL::int", "2147483647"],
    "small": ["0", "1", "2", "3", "4", "5"],
    "long": ["0::bigint", "5::int8", "-5::int8", "9000000000", "1234567890123", "NULL::bigint"],
    "num": ["0.0", "1.5", "-1.5", "2.5", "-2.5", "0.05", "3.14159", "123.456", "-0.001", "100.00", "7::numeric", "NULL::numeric", "1e3", "99.995"],
    "float": ["0::float8", "1.5::float8", "-2.5::float8", "0.1::float8", "1e10::float8", "3.7::float8", "NULL::float8", "2.5::float8", "1e-7::float8", "123456789.125::float8"],
    "text": ["'abc'", "''", "'Hello World'", "'  pad '", "'a,b,c'", "'x'", "NULL::text", "'Ünï'", "'100%'", "'foo.bar_baz'", "'it''s'", "'2024-02-29'", "'12.5'", "'AbC'"],
    "ts": ["timestamp '2024-02-29 12:34:56.789'", "timestamp '2000-01-01 00:00:00'", "timestamp '1999-12-31 23:59:59.999999'", "timestamp '2024-12-30 06:05:04'", "NULL::timestamp", "timestamp '1900-03-01 00:00:00'"],
    "tz": ["timestamptz '2024-02-29 12:34:56.789+00'", "timestamptz '2024-03-31 01:30:00+01'", "timestamptz '1970-01-01 00:00:00Z'", "NULL::timestamptz", "to_timestamp(1709210096.5)"],
    "date": ["date '2024-02-29'", "date '2023-12-31'", "date '2000-01-01'", "NULL::date", "date '1969-07-20'", "make_date(2024, 7, 4)"],
    "time": ["time '12:34:56.789'", "time '00:00:00'", "time '23:59:59.999999'", "NULL::time"],
    "span": ["interval '1 day'", "interval '1 month'", "interval '-2 hours 30 minutes'", "interval '1 year 2 months 3 days 04:05:06.789'", "interval '36 hours'", "NULL::interval", "interval '90 seconds'", "make_interval(days => 10, hours => 5)"],
    "json": ["""'{"a": 1, "b": [1, 2, {"c": null}], "k": "v"}'::jsonb""", "'[1, \"two\", null, {\"a\": [3]}]'::jsonb", "'{}'::jsonb", "'\"s\"'::jsonb", "'12.50'::jsonb", "NULL::jsonb", "'null'::jsonb", "jsonb_build_object('x', 1, 'y', 'z')"],
    "ints": ["ARRAY[1,2,3]", "ARRAY[3,NULL,1]", "'{}'::int[]", "ARRAY[5]", "NULL::int[]", "'{7,7,8}'::int[]"],
    "texts": ["ARRAY['a','b','c']", "ARRAY['x',NULL,'y']", "'{}'::text[]", "string_to_array('a,b,,c', ',')", "NULL::text[]"],
    "inet": ["'10.0.0.1'::inet", "'192.168.1.77/24'::inet", "'::1'::inet", "'2001:db8::1/64'::inet", "NULL::inet", "'10.1.2.0/8'::inet"],
    "bytes": ["'\\x0001ff'::bytea", "'\\x'::bytea", "'abc'::bytea", "NULL::bytea", "decode('DEADBEEF', 'hex')"],
    "uuid": ["'00000000-0000-0000-0000-000000000001'::uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "NULL::uuid"],
    "unit": ["'year'", "'month'", "'day'", "'hour'", "'minute'", "'second'", "'week'", "'quarter'", "'milliseconds'", "'microseconds'", "'decade'", "'century'"],
    "field": ["year", "month", "day", "hour", "minute", "second", "dow", "isodow", "doy", "week", "isoyear", "quarter", "epoch", "milliseconds", "microseconds", "decade", "century", "millennium", "julian"],
    "dayfield": ["year", "month", "day", "dow", "isodow", "doy", "week", "isoyear", "quarter", "epoch", "decade", "century"],
    "clockfield": ["hour", "minute", "second", "epoch", "milliseconds", "microseconds"],
    "spanfield": ["year", "month", "day", "hour", "minute", "second", "epoch", "milliseconds", "quarter", "decade"],
    "zone": ["'UTC'", "'Europe/Berlin'", "'America/New_York'", "'Asia/Kathmandu'", "'+05:30'", "'Australia/Lord_Howe'"],
    "pattern": ["'%a%'", "'a%'", "'_b%'", "'%'", "''", "'A%'", "'%\\%'", "'a\\_b'", "'%e'", "'__'"],
    "regex": ["'a'", "'^a'", "'[a-c]+'", "'(a|b)c?'", "'\\d+'", "'\\s'", "'o$'", "'^$'", "'.'", "'[[:upper:]]'", "'(\\w+) (\\w+)'", "'b.*?r'", "'[^a-z]'"],
    "timeformat": ["'YYYY-MM-DD HH24:MI:SS.MS'", "'DD Mon YYYY'", "'FMDay, FMDD FMMonth YYYY'", "'HH12:MI:SS AM'", "'IYYY-IW-ID'", "'Q'", "'DDD WW W'", "'YY/MM/DD'", "'Dy DDth'", "'US'", "'J'", "'MONTH RM'", "'CC BC'", "'\"lit\" SSSS'", "'YYYYMMDD\"T\"HH24MISS'", "'Y,YYY'"],
    "numberformat": ["'999'", "'0000'", "'FM999,999.99'", "'S999.9'", "'9.99EEEE'", "'999PR'", "'L99'", "'FM0.000'", "'RN'", "'99MI'", "'999D99'", "'9G999'", "'V99'", "'FM999990.09'", "'SG99'", "'99th'"],
    "key": ["'a'", "'b'", "'k'", "'zz'", "0", "1", "-1"],
    "path": ["'{a}'", "'{b,0}'", "'{b,2,c}'", "'{0}'", "'{zz,y}'", "'{}'", "'{n,m}'"],
    "jsonpath": ["'$.a'", "'$.b[*]'", "'$[*]'", "'$.b[*] ? (@ > 1)'", "'$.k'", "'$'", "'$[0]'", "'$.**.c'"],
}

COLUMNS = {
    "bool": ["b"],
    "int": ["i % 1000", "s", "id", "place", "cardinality(tags)"],
    "long": ["l % 100000", "id::bigint"],
    "num": ["n", "round(n, 1)"],
    "float": ["d / '1e300'::float8", "id * 0.75::float8", "sqrt(id::float8)"],
    "text": ["t", "v", "c::text", "t", "tags[1]", "j->>'k'"],
    "ts": ["ts"],
    "tz": ["at"],
    "date": ["day"],
    "time": ["clock"],
    "span": ["span"],
    "json": ["j"],
    "ints": ["nums"],
    "texts": ["tags"],
    "inet": ["ip", "net::inet"],
    "bytes": ["raw"],
    "uuid": ["u"],
}

RULES = r"""
bool {int} = {int}
bool {int} < {num}
bool {num} >= {float}
bool {text} = {text}
bool {text} < {text}
bool {text} LIKE {pattern}
bool {text} NOT LIKE {pattern}
bool {text} ILIKE {pattern}
bool {text} SIMILAR TO '(a|b)%'
bool {text} SIMILAR TO '%[0-9]+%'
bool {text} ~ {regex}
bool {text} !~* {regex}
bool {text} ~* {regex}
bool {int} BETWEEN {int} AND {int}
bool {num} NOT BETWEEN {num} AND {num}
bool {int} IN ({int}, {int}, {int})
bool {text} NOT IN ({text}, {text})
bool {int} IS DISTINCT FROM {int}
bool {text} IS NOT DISTINCT FROM {text}
bool {text} IS NULL
bool ({bool}) IS NOT TRUE
bool ({bool}) IS UNKNOWN
bool ({bool}) AND ({bool})
bool ({bool}) OR ({bool})
bool NOT ({bool})
bool {ts} < {ts}
bool {tz} >= {tz}
bool {date} = {ts}
bool {date} <= {date}
bool {span} > {span}
bool {span} = {span}
bool {time} < {time}
bool {ts} + {span} > {ts}
bool {tz} - {tz} > {span}
bool ({ts}, {ts} + interval '1 day') OVERLAPS ({ts}, interval '2 days')
bool {json} @> {json}
bool {json} ? {text}
bool {json} ?| ARRAY['a', 'x']
bool {json} ?& ARRAY['a', 'k']
bool {json} = {json}
bool {json} < {json}
bool {json} @? {jsonpath}
bool jsonb_path_exists({json}, {jsonpath})
bool {int} = ANY ({ints})
bool {int} < ALL ({ints})
bool {text} = ANY ({texts})
bool {text} <> ALL ({texts})
bool {text} LIKE ANY (ARRAY['a%', '%c'])
bool {ints} @> {ints}
bool {ints} && {ints}
bool {texts} <@ {texts}
bool {ints} = {ints}
bool {ints} < {ints}
bool {inet} << {inet}
bool {inet} >>= {inet}
bool {inet} && {inet}
bool {inet} < {inet}
bool {inet} = {inet}
bool {uuid} < {uuid}
bool {bytes} > {bytes}
bool starts_with({text}, {text})
bool isfinite({ts})
bool ({int}, {int}) < ({int}, {int})
bool ({int}, {text}) = ({int}, {text})
bool ({text})::text IN ('t', 'abc')
bool regexp_like({text}, {regex})
bool regexp_like({text}, {regex}, 'i')
bool {int}::bool
bool coalesce({bool}, {bool})
bool num_nulls({int}, {text}, {bool}) > 1
bool bool({text} = {text})
int {int} + {int}
int {int} - {int} * {int}
int {int} / {small}
int {int} % 3
int - ({int})
int abs({int})
int @ {int}
int {int} & {int}
int {int} | {int}
int {int} # {int}
int ~ {int}
int {int} << {small}
int {int} >> {small}
int length({text})
int char_length({text})
int octet_length({text})
int bit_length({text})
int position({text} in {text})
int strpos({text}, {text})
int ascii({text})
int {float}::int
int {num}::int
int round({num})::int
int sign({int})::int
int gcd({int}, {int})
int lcm({small}, {small})
int mod({int}, 4)
int div({int}, 3)::int
int width_bucket({num}, 0, 10, 5)
int width_bucket({float}, -5::float8, 5::float8, 4)
int width_bucket({int}, ARRAY[1,5,10])
int greatest({int}, {int}, {int})
int least({int}, {int})
int coalesce({int}, {int}, 0)
int nullif({int}, {int})
int CASE WHEN {bool} THEN {int} ELSE {int} END
int CASE {int} WHEN 1 THEN 10 WHEN {int} THEN 20 END
int array_length({ints}, 1)
int array_length({texts}, 1)
int array_upper({ints}, 1)
int array_lower({ints}, 1)
int array_ndims({ints})
int cardinality({ints})
int array_position({ints}, {int})
int array_position({texts}, {text})
int ({ints})[{small}]
int jsonb_array_length({json})
int ({date} - {date})
int extract({dayfield} from {date})::int
int date_part('hour', {ts})::int
int family({inet})
int masklen({inet})
int num_nonnulls({int}, {text}, {date})
int regexp_count({text}, {regex})
int regexp_instr({text}, {regex})
int length({bytes})
int get_byte('\x0102ff'::bytea, 1)
int scale({num})
int min_scale({num})
int ({bool})::int
int cast({num} as int)
int '42'::int
int {int} ^ 2 :: int
int factorial({small})::int
int length({texts}::text)
long {long} + {int}
long {long} * 3
long {long} / 7
long {long} % 10
long {int}::bigint * {int}
long abs({long})
long {float}::bigint
long {num}::int8
long coalesce({long}, {int})
long greatest({long}, {int})
long extract(epoch from {tz})::bigint
long pg_size_bytes('10 kB')
long ('x' || lpad(to_hex({int}), 8, '0'))::bit(32)::bigint
num {num} + {num}
num {num} - {int}
num {num} * {num}
num {num} / {num}
num {num} / 3
num {int} / 7.0
num {num} % 2.5
num - {num}
num abs({num})
num round({num})
num round({num}, 1)
num round({num}, -1)
num round({num}, {small})
num trunc({num}, 1)
num trunc({num})
num ceil({num})
num floor({num})
num ceiling({num})
num sign({num})
num mod({num}, 3)
num div({num}, 2)
num {int}::numeric(10,2)
num {num}::numeric(8,1)
num cast({num} as decimal(12,3))
num greatest({num}, {int})
num least({num}, {num})
num coalesce({num}, {int})
num CASE WHEN {bool} THEN {num} ELSE 0 END
num extract({field} from {ts})
num extract({field} from {tz})
num extract({dayfield} from {date})
num extract({clockfield} from {time})
num extract({spanfield} from {span})
num power({num}, 2)
num {num} ^ 2
num to_number('1,234.5', '9,999.9')
num trim_scale({num})
num {float}::numeric
num ({json}->>'a')::numeric
num gcd({num}, 2.5)
num log(100.0)
num exp(1.0)
num sqrt(2.0)
num ln(10.0)
float {float} + {float}
float {float} * {int}
float {float} / 3
float {float} - {num}
float - {float}
float abs({float})
float round({float})
float ceil({float})
float floor({float})
float trunc({float})
float sqrt(abs({float}))
float power({float}, 2)
float cbrt({float})
float exp({float} / 1e11)
float ln(abs({float}) + 1)
float log(abs({float}) + 1)
float sin({float})
float cos({float})
float atan2({float}, 2)
float degrees({float})
float radians({float})
float sign({float})
float pi() * {int}
float {int}::float8
float {num}::float8
float {text}::float8
float {float}::real::float8
float coalesce({float}, {num})
float greatest({float}, {float})
float date_part({unit}, {ts})
float date_part('epoch', {span})
float |/ 25.0::float8
float ||/ 27.0::float8
float {int} / 2.0::float8
text {text} || {text}
text {text} || {int}
text {int} || {text}
text lower({text})
text upper({text})
text initcap({text})
text substr({text}, {small})
text substring({text} from {small} for {small})
text substring({text}, {int}, {small})
text substring({text} from {regex})
text left({text}, {int})
text right({text}, {int})
text lpad({text}, 8, {text})
text rpad({text}, 6, 'xy')
text trim({text})
text trim(leading 'a' from {text})
text trim(both ' a' from {text})
text ltrim({text}, 'ab')
text rtrim({text})
text btrim({text}, 'abc ')
text replace({text}, 'a', {text})
text translate({text}, 'abc', 'xy')
text repeat({text}, {small})
text reverse({text})
text split_part({text}, ',', 2)
text split_part({text}, ' ', -1)
text overlay({text} placing 'ZZ' from 2 for 1)
text concat({text}, {int}, {bool}, {num})
text concat_ws('-', {text}, {int}, {date})
text format('%s|%I|%L', {text}, 'A b', {text})
text format('%2$s-%1$s', {int}, {text})
text format('%-8s|%5s', {text}, {int})
text md5({text})
text chr(64 + {small})
text to_hex({small})
text quote_literal({text})
text quote_ident({text})
text quote_nullable({text})
text coalesce({text}, 'none')
text nullif({text}, '')
text CASE WHEN {bool} THEN {text} ELSE {text} END
text greatest({text}, {text})
text least({text}, {text}, 'm')
text {int}::text
text {num}::text
text {float}::text
text {bool}::text
text {date}::text
text {ts}::text
text {tz}::text
text {time}::text
text {span}::text
text {json}::text
text {ints}::text
text {texts}::text
text {inet}::text
text {uuid}::text
text {bytes}::text
text {text}::varchar(3)
text {text}::char(4)
text {text}::varchar
text to_char({ts}, {timeformat})
text to_char({tz}, {timeformat})
text to_char({date}, {timeformat})
text to_char({span}, 'HH24:MI:SS')
text to_char({num}, {numberformat})
text to_char({int}, {numberformat})
text to_char({float}, {numberformat})
text regexp_replace({text}, {regex}, 'X')
text regexp_replace({text}, {regex}, '<\&>', 'g')
text regexp_replace({text}, '(\w)(\w)', '\2\1', 'gi')
text regexp_substr({text}, {regex})
text regexp_match({text}, '(a)(.)?')::text
text (regexp_match({text}, {regex}))[1]
text array_to_string({texts}, ',')
text array_to_string({texts}, ',', 'NULL')
text array_to_string({ints}, '-')
text ({texts})[1]
text {json} ->> {key}
text {json} #>> {path}
text jsonb_typeof({json})
text jsonb_pretty({json})
text host({inet})
text abbrev({inet})
text encode({bytes}, 'hex')
text encode({bytes}, 'base64')
text encode({bytes}, 'escape')
text pg_typeof({num})::text
text pg_typeof({span})::text
text (ARRAY[{text}, {text}])[2]
text left({text}, 2) || right({text}, -1)
text convert_from({text}::bytea, 'UTF8')
text sha256({bytes})::text
text normalize({text})
text parse_ident('a.b')::text
text {text} COLLATE "C"
ts {ts} + {span}
ts {ts} - {span}
ts date_trunc({unit}, {ts})
ts {date}::timestamp
ts {date} + {time}
ts {date} + {span}
ts {tz} AT TIME ZONE {zone}
ts date_bin('15 minutes', {ts}, timestamp '2001-01-01')
ts coalesce({ts}, {ts})
ts greatest({ts}, {date}::timestamp)
ts make_timestamp(2024, 2, 29, 1, 2, 3.5)
ts {ts}::timestamp(0)
ts {ts}::timestamp(2)
ts to_timestamp('05 Dec 2000', 'DD Mon YYYY')::timestamp
ts '2024-01-02T03:04:05'::timestamp
ts CASE WHEN {bool} THEN {ts} END
tz {tz} + {span}
tz {tz} - {span}
tz date_trunc({unit}, {tz})
tz date_trunc({unit}, {tz}, {zone})
tz {ts} AT TIME ZONE {zone}
tz {ts}::timestamptz
tz {date}::timestamptz
tz date_bin('1 hour', {tz}, timestamptz '2001-01-01 00:30Z')
tz to_timestamp({int})
tz to_timestamp('2024-05-06 07:08:09', 'YYYY-MM-DD HH24:MI:SS')
tz make_timestamptz(2024, 7, 1, 2, 3, 4.5, 'Europe/Berlin')
tz greatest({tz}, {tz})
date {date} + {int}
date {date} - {small}
date {ts}::date
date {tz}::date
date to_date('2024 060', 'YYYY DDD')
date to_date('31/12/1999', 'DD/MM/YYYY')
date date({ts})
date make_date(2020, 2, 29)
date coalesce({date}, {date})
date least({date}, {date})
time {ts}::time
time {time} + {span}
time {time} - {span}
time make_time(8, 15, 23.5)
time {time}::time(1)
span {ts} - {ts}
span {tz} - {tz}
span {span} + {span}
span {span} * {small}
span {span} / 2
span {span} * 1.5
span - {span}
span age({ts}, {ts})
span age({tz}, {tz})
span age({date}, {date})
span justify_days({span})
span justify_hours({span})
span justify_interval({span})
span make_interval(hours => {small}, mins => {small})
span {time} - {time}
span ({int} || ' minutes')::interval
span coalesce({span}, interval '0')
span CASE WHEN {bool} THEN {span} ELSE {span} END
span {int} * interval '1 hour'
span {text}::interval
json {json} -> {key}
json {json} #> {path}
json {json} || {json}
json {json} - {text}
json {json} - {small}
json {json} #- {path}
json jsonb_set({json}, '{a}', '9')
json jsonb_set({json}, '{b,0}', '"n"', false)
json jsonb_insert({json}, '{b,1}', '7')
json jsonb_strip_nulls({json})
json to_jsonb({int})
json to_jsonb(({text})::text)
json to_jsonb({ints})
json to_jsonb({ts})
json to_jsonb({num})
json jsonb_build_array({int}, {text}, {bool})
json jsonb_build_object('n', {num}, 't', {text})
json jsonb_object({texts}, {texts})
json jsonb_path_query_array({json}, {jsonpath})
json jsonb_path_query_first({json}, {jsonpath})
json coalesce({json}, '{}'::jsonb)
json json_build_object('i', {int}, 'd', {date})::jsonb
json array_to_json({ints})::jsonb
ints {ints} || {int}
ints {int} || {ints}
ints {ints} || {ints}
ints array_append({ints}, {int})
ints array_prepend({int}, {ints})
ints array_cat({ints}, {ints})
ints array_remove({ints}, {int})
ints array_replace({ints}, 1, {int})
ints array_positions({ints}, {int})
ints ({ints})[2:3]
ints ({ints})[:2]
ints ARRAY[{int}, {int}]
ints array_fill({int}, ARRAY[3])
ints trim_array({ints}, 1)
ints ARRAY(SELECT g * 2 FROM generate_series(1, {small}) g)
texts {texts} || {text}
texts array_append({texts}, {text})
texts string_to_array({text}, ',')
texts string_to_array({text}, NULL)
texts string_to_array({text}, ' ', '')
texts regexp_split_to_array({text}, {regex})
texts regexp_match({text}, {regex})
texts ARRAY[{text}, {text}]
texts {ints}::text[]
texts array_remove({texts}, {text})
texts ({texts})[2:]
inet network({inet})::inet
inet broadcast({inet})
inet netmask({inet})
inet hostmask({inet})
inet set_masklen({inet}, 16)
inet {inet} + {small}
inet {inet} & '255.255.0.0'::inet
inet '10.0.0.7'::inet
inet inet_merge({inet}, {inet})
bytes {bytes} || {bytes}
bytes substring({bytes} from 2 for 1)
bytes convert_to({text}, 'UTF8')
bytes set_byte('\x010203'::bytea, 1, 65)
bytes sha256({bytes})
bytes {text}::bytea
bytes decode('YWJj', 'base64')
bytes overlay({bytes} placing '\xff' from 1 for 1)
bytes trim('\x00'::bytea from {bytes})
uuid coalesce({uuid}, '00000000-0000-0000-0000-000000000000'::uuid)
"""


TYPES = ["bool", "int", "long", "num", "float", "text", "text", "ts", "tz", "date", "time", "span", "json", "ints", "texts", "inet", "bytes", "uuid"]

CONSTANTS = Grammar(LITERALS, RULES)
ITEMS = Grammar(LITERALS, RULES, COLUMNS)
