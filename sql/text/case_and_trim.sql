-- Upper and lower case, trimming, padding, reversing, repeating.
SELECT upper('kube Ärmor'), lower('KUBE ÄRMOR'), initcap('hello wORLD-wide o''neil 3rd'), upper(''), lower(NULL);
SELECT trim('  a b  ') || '|', ltrim('  a') || '|', rtrim('a  ') || '|', btrim(E'\t a \t') = E'\t a \t', btrim('xyaxy', 'xy'), ltrim('xxa', 'x'), rtrim('axx', 'x');
SELECT trim(leading 'ab' FROM 'abbaXab'), trim(trailing 'ab' FROM 'abXbaab'), trim(both 'ab' FROM 'abXba'), trim('x' FROM 'xax'), trim(NULL FROM 'a');
SELECT lpad('7', 3, '0'), rpad('7', 3, '0'), lpad('1234', 3), rpad('1234', 3), lpad('a', 6, 'xyz'), rpad('a', 6, 'xyz'), lpad('a', 0) || '|', lpad('a', -1) || '|', lpad('a', 3, '') || '|';
SELECT lpad('é', 3, '日'), rpad('日', 3, 'é'), length(lpad('é', 10)), lpad(NULL, 3), lpad('a', NULL), rpad('a', 3, NULL);
SELECT repeat('ab', 3), repeat('ab', 0) || '|', repeat('ab', -1) || '|', repeat('', 5) || '|', repeat(NULL, 2), repeat('é', 2);
SELECT reverse('abc'), reverse('é日'), reverse(''), reverse(NULL), reverse('a') || reverse('bc');
SELECT left('kube', 2), left('kube', -1), left('kube', 0) || '|', left('kube', 99), right('kube', 2), right('kube', -1), right('日本語', 2), left('日本語', 1), left(NULL, 1);
SELECT length('kube'), char_length('日本'), character_length(''), octet_length('日本'), bit_length('é'), length(NULL);
SELECT ascii('a'), ascii('é'), ascii(''), ascii('日本'), chr(97), chr(233), chr(26085), chr(128578);
SELECT chr(0);
SELECT chr(1114112);
SELECT translate('12345', '143', 'ax'), translate('abc', 'abc', ''), translate('abc', '', 'x'), translate('ábc', 'á', 'a'), translate(NULL, 'a', 'b');
SELECT replace('a.b.c', '.', '/'), replace('aaa', 'aa', 'b'), replace('abc', '', 'x'), replace('abc', 'b', ''), replace('abc', 'z', 'y'), replace(NULL, 'a', 'b');
SELECT to_hex(255), to_hex(0), md5(''), md5('kube'), upper(md5('é'));
SELECT upper(5);
SELECT left('abc');
SELECT upper('a'::varchar(1)), lower('A'::char(3)) || '|', initcap('ABC'::name), trim('a '::char(4)) || '|', length('a '::char(4));
