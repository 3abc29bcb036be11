-- Rows whose change has no item although others of their reference.id have one: the latest_* views show
-- them as entities of their own
SELECT 'demand' AS record_type, count(*) AS rows_without_item, count(DISTINCT reference.id) AS their_references
FROM "demand" WHERE change.item IS NULL AND reference.id IN (SELECT reference.id FROM "demand" WHERE change.item IS NOT NULL)
UNION ALL
SELECT 'event' AS record_type, count(*) AS rows_without_item, count(DISTINCT reference.id) AS their_references
FROM "event" WHERE change.item IS NULL AND reference.id IN (SELECT reference.id FROM "event" WHERE change.item IS NOT NULL)
UNION ALL
SELECT 'notification' AS record_type, count(*) AS rows_without_item, count(DISTINCT reference.id) AS their_references
FROM "notification" WHERE change.item IS NULL AND reference.id IN (SELECT reference.id FROM "notification" WHERE change.item IS NOT NULL)
UNION ALL
SELECT 'sale' AS record_type, count(*) AS rows_without_item, count(DISTINCT reference.id) AS their_references
FROM "sale" WHERE change.item IS NULL AND reference.id IN (SELECT reference.id FROM "sale" WHERE change.item IS NOT NULL)
ORDER BY record_type;
