-- Average time from a request to its notification, in seconds
SELECT avg(date_diff('second', date.requested, date.notified)) FROM demand
WHERE date.notified IS NOT NULL AND partition_date >= '2025-01-01';
