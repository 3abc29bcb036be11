-- Demand that was deleted, by the days it was asked for
SELECT fanid, eventid, date.requested, date.deleted FROM demand
WHERE isdeleted = true AND partition_date BETWEEN '2024-10-01' AND '2024-12-31';
