-- Events with the most demand since a day, without what was deleted
SELECT eventid, count(*) AS demand_count FROM demand
WHERE partition_date >= '2025-01-01' AND coalesce(isdeleted, false) = false
GROUP BY eventid ORDER BY demand_count DESC LIMIT 10;
