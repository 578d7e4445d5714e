-- Networks as they may be written, and addresses as casts show them.
SELECT '10.1'::cidr, '10'::cidr, '192.168.1'::cidr, '10.0.0.1'::cidr, '10.0.0.0/8'::cidr, '224'::cidr, '2001:db8::/32'::cidr, '::1'::cidr;
SELECT '10.1.2.3'::inet::cidr, '10.1.2.3/8'::inet::cidr, '10.1.0.0/16'::cidr::inet;
SELECT '10.0.0.1/8'::cidr;
SELECT '10.1/8'::cidr;
SELECT '2001:db8::1/32'::cidr;
SELECT 'x'::cidr;
SELECT '300.1'::cidr;
SELECT broadcast('10.0.0.1'::inet)::text, '10.0.0.1'::inet::text, network('10.0.0.1'::inet)::text, netmask('10.0.0.0/8'::inet)::text;
SELECT 'x' || '10.0.0.1'::inet, concat('10.0.0.1'::inet), '10.0.0.1'::inet::varchar, format('%s', '10.0.0.1'::inet);
SELECT a::text, 'x' || a FROM (VALUES ('10.0.0.1'::inet), ('10.0.0.0/8'), ('::1')) AS v(a) ORDER BY a;
SELECT inet '10.0.0.1', cidr '10/8', host(inet '10.0.0.1/24'), inet '10.0.0.1' << cidr '10/8', regclass 'pg_class', name 'x';
