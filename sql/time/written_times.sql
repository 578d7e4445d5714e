-- Written times: digits behind the sixth are rounded, and DateStyle says which part of a date comes first.
SELECT timestamp '2024-01-01 10:00:00.1234567', time '10:00:00.9999999', timestamp '2024-01-01 23:59:59.9999999', time '10:00:60';
SELECT timestamptz '2024-01-01 10:00:00.1234565+00' AT TIME ZONE 'UTC', interval '0.0000005 s', interval '1.0000015 s';
SELECT time '24:00:01';
SELECT time '10:61:00';
SELECT interval '30 days' BETWEEN interval '1 mon' AND interval '1 mon', interval '31 days' NOT BETWEEN interval '1 mon' AND interval '1 mon 2 days';
SELECT timestamptz '2024-01-01 12:00 Mars/Phobos';
SELECT date '5/2/2024', date '2024-05-02', date '5-Feb-2024', date 'Feb 5, 2024';
SET DateStyle = 'ISO, DMY';
SELECT date '5/2/2024', date '2024-05-02', date '5-Feb-2024', date 'Feb 5, 2024', timestamp '5.2.2024 10:00';
SELECT date '5/13/2024';
SET DateStyle = 'ISO, YMD';
SELECT date '24/5/2', date '2024-05-02', date '24-Feb-05';
SELECT date '5/2/2024';
RESET DateStyle;
