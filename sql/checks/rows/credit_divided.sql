-- Rules of credit that hand out another number of purchases than came after ads; one row each.
WITH {common_tables}

SELECT rule, credited, purchases
FROM judged
WHERE is_wrong = 1
ORDER BY rule ASC
