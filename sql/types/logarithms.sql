-- Logarithms, exponentials and broken powers of numerics have all their digits right.
SELECT ln(10.0), round(ln(2.0), 16), round(ln(0.5), 16), round(ln(123456.789), 15);
SELECT round(log(2.0), 16), log(1000.0), log(2.0, 64.0), round(log(10.0, 2.5), 16);
SELECT exp(1.0), round(exp(2.5), 15), round(exp(-2.5), 17), round(exp(0.0), 16);
SELECT round(power(0.5, 2.5), 16), 2.0 ^ 0.25, round(power(10.0, 1.5), 15);
SELECT round(ln(x), 16) FROM (VALUES (10.0), (7.0), (1.5)) AS v(x);
SELECT ln(0.0);
SELECT ln(-1.0);
SELECT log(1.0, 2.0);
SELECT power(-1.0, 0.5);
SELECT power(0.0, -1.0);
SELECT power(0.0, 0.5) = 0;
