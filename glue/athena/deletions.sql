-- Every deletion in a period: the period is in the last line but one
SELECT DISTINCT record_type, id, item, deleted, expired, change_id, partition_date FROM (
SELECT 'demand' AS record_type, reference.id AS id, change.item AS item, date.deleted AS deleted, change.expired AS expired, change.id AS change_id, partition_date
FROM "demand" WHERE isdeleted
UNION ALL
SELECT 'event' AS record_type, reference.id AS id, change.item AS item, date.deleted AS deleted, change.expired AS expired, change.id AS change_id, partition_date
FROM "event" WHERE isdeleted
UNION ALL
SELECT 'notification' AS record_type, reference.id AS id, change.item AS item, date.deleted AS deleted, change.expired AS expired, change.id AS change_id, partition_date
FROM "notification" WHERE isdeleted
UNION ALL
SELECT 'sale' AS record_type, reference.id AS id, change.item AS item, date.deleted AS deleted, change.expired AS expired, change.id AS change_id, partition_date
FROM "sale" WHERE isdeleted
) AS deletions
WHERE deleted >= TIMESTAMP '2025-01-01 00:00:00' AND deleted < TIMESTAMP '2025-02-01 00:00:00'
ORDER BY deleted, record_type, id, item;
