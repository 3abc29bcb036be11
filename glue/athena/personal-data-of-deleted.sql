-- Proof that no deleted row holds personal data: not_redacted is 0 in every line
SELECT 'demand' AS record_type, 'phonenumber' AS field, count(*) AS deleted_rows, count(CASE WHEN phonenumber <> '[redacted]' THEN 1 END) AS not_redacted
FROM "demand" WHERE isdeleted
UNION ALL
SELECT 'demand' AS record_type, 'email' AS field, count(*) AS deleted_rows, count(CASE WHEN email <> '[redacted]' THEN 1 END) AS not_redacted
FROM "demand" WHERE isdeleted
UNION ALL
SELECT 'notification' AS record_type, 'messagebody' AS field, count(*) AS deleted_rows, count(CASE WHEN messagebody <> '[redacted]' THEN 1 END) AS not_redacted
FROM "notification" WHERE isdeleted
UNION ALL
SELECT 'notification' AS record_type, 'phonenumber' AS field, count(*) AS deleted_rows, count(CASE WHEN phonenumber <> '[redacted]' THEN 1 END) AS not_redacted
FROM "notification" WHERE isdeleted
UNION ALL
SELECT 'notification' AS record_type, 'email' AS field, count(*) AS deleted_rows, count(CASE WHEN email <> '[redacted]' THEN 1 END) AS not_redacted
FROM "notification" WHERE isdeleted
ORDER BY record_type, field;
