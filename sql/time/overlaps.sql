-- Periods of which an end is not known: what it could decide is NULL.
SELECT (date '2024-01-01', NULL::date) OVERLAPS (date '2024-01-02', date '2024-01-03');
SELECT (date '2024-01-01', NULL::date) OVERLAPS (date '2023-01-02', date '2023-01-03');
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2023-01-02', NULL::date);
SELECT (NULL::date, date '2024-02-01') OVERLAPS (date '2023-01-02', date '2025-01-01');
SELECT (NULL::date, NULL::date) OVERLAPS (date '2023-01-02', date '2025-01-01');
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', NULL::date);
SELECT (date '2024-01-01', NULL::interval) OVERLAPS (date '2024-01-01', interval '1 day');
SELECT (date '2024-01-05', interval '-4 days') OVERLAPS (date '2024-01-02', interval '1 day');
SELECT (NULL::timestamptz, interval '1 day') OVERLAPS (timestamptz '2024-01-01 00:00+00', timestamptz '2024-01-02 00:00+00');
SELECT n, (a, b) OVERLAPS (c, d) FROM (VALUES (1, date '2024-01-01', NULL::date, date '2024-01-02', date '2024-01-03'), (2, '2024-01-01', '2024-01-05', '2024-01-03', NULL), (3, NULL, '2024-01-05', '2024-01-03', '2024-01-09')) AS v(n, a, b, c, d) WHERE ((a, b) OVERLAPS (c, d)) IS NOT FALSE ORDER BY n;
