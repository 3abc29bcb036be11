athena_raise(message) AS
    CAST('athena: ' || message AS INTEGER)

athena_subscript(x, i) AS
    CASE WHEN x IS NULL OR i IS NULL THEN NULL WHEN i BETWEEN 1 AND len(x) THEN list_extract(x, i)
    WHEN i = 0 THEN list_extract(x, athena_raise('array subscripts start at 1'))
    WHEN i < 0 THEN list_extract(x, athena_raise('array subscript is negative'))
    ELSE list_extract(x, athena_raise('array subscript is beyond the end of the array')) END
athena_element_at(x, i) AS
    CASE WHEN i = 0 THEN list_extract(x, athena_raise('array subscripts start at 1')) ELSE list_extract(x, i) END
athena_map_subscript(m, k) AS
    CASE WHEN m IS NULL OR k IS NULL THEN NULL WHEN map_contains(m, k) THEN map_extract_value(m, k)
    ELSE list_extract(map_values(m), athena_raise('key is not in the map')) END

athena_contains(x, v) AS
    CASE WHEN list_contains(x, v) THEN true WHEN v IS NULL OR list_position(x, NULL) > 0 THEN NULL ELSE list_contains(x, v) END
athena_any(x) AS
    CASE WHEN x IS NULL THEN NULL WHEN list_contains(x, true) THEN true WHEN list_position(x, NULL) > 0 THEN NULL ELSE false END
athena_all(x) AS
    CASE WHEN x IS NULL THEN NULL WHEN list_contains(x, false) THEN false WHEN list_position(x, NULL) > 0 THEN NULL ELSE true END
athena_array_distinct(x) AS
    list_filter(x, lambda distinct_v, distinct_i: list_position(x, distinct_v) = distinct_i)
athena_instants(x) AS
    list_transform(x, lambda instant_v: athena_at(instant_v))
athena_distinct_instants(x) AS
    list_filter(x, lambda distinct_v, distinct_i: list_position(athena_instants(x), athena_at(distinct_v)) = distinct_i)
athena_array_intersect(x, y) AS
    CASE WHEN y IS NOT NULL THEN athena_array_distinct(list_filter(x, lambda common_v: list_position(y, common_v) > 0)) END
athena_array_except(x, y) AS
    CASE WHEN y IS NOT NULL THEN athena_array_distinct(list_filter(x, lambda except_v: coalesce(list_position(y, except_v), 0) = 0)) END
athena_array_union(x, y) AS
    CASE WHEN x IS NOT NULL AND y IS NOT NULL THEN athena_array_distinct(list_concat(x, y)) END
athena_array_concat(x, y) AS
    CASE WHEN x IS NOT NULL AND y IS NOT NULL THEN list_concat(x, y) END
athena_array_remove(x, v) AS
    CASE WHEN v IS NOT NULL THEN list_filter(x, lambda kept_v: kept_v IS NULL OR kept_v <> v) END
athena_array_max(x) AS
    CASE WHEN list_position(x, NULL) > 0 THEN NULL ELSE list_max(x) END
athena_array_min(x) AS
    CASE WHEN list_position(x, NULL) > 0 THEN NULL ELSE list_min(x) END
athena_arrays_overlap(x, y) AS
    CASE WHEN list_has_any(list_filter(x, lambda left_v: left_v IS NOT NULL), list_filter(y, lambda right_v: right_v IS NOT NULL)) THEN true
    WHEN x IS NULL OR y IS NULL OR (len(x) > 0 AND len(y) > 0 AND (list_position(x, NULL) > 0 OR list_position(y, NULL) > 0)) THEN NULL
    ELSE false END
athena_order(c) AS
    CASE WHEN c IN (-1, 0, 1) THEN c ELSE athena_raise('a comparator must return -1, 0 or 1') END
athena_slice(x, start, size) AS
    CASE WHEN x IS NULL OR start IS NULL OR size IS NULL THEN NULL WHEN start = 0 THEN list_slice(x, athena_raise('array subscripts start at 1'), 1)
    WHEN size < 0 THEN list_slice(x, athena_raise('a length must not be negative'), 1)
    WHEN start > 0 THEN list_slice(x, start, start + size - 1)
    WHEN -start > len(x) THEN list_slice(x, 1, 0)
    ELSE list_slice(x, len(x) + start + 1, len(x) + start + size) END
athena_trim_array(x, n) AS
    CASE WHEN n < 0 THEN list_slice(x, athena_raise('a length must not be negative'), 1)
    WHEN n > len(x) THEN list_slice(x, athena_raise('array subscript is beyond the end of the array'), 1) ELSE list_slice(x, 1, len(x) - n) END
athena_sequence(first, last, step) AS
    CASE WHEN first IS NULL OR last IS NULL OR step IS NULL THEN NULL
    WHEN step = 0 OR (last > first AND step < 0) OR (last < first AND step > 0) THEN generate_series(first, last, CAST(athena_raise('a sequence must step towards its end') AS BIGINT))
    ELSE generate_series(first, last, step) END
athena_time_sequence(first, last, step) AS
    CASE WHEN first IS NULL OR last IS NULL OR step IS NULL THEN NULL
    WHEN step = INTERVAL 0 DAY OR (last > first AND step < INTERVAL 0 DAY) OR (last < first AND step > INTERVAL 0 DAY)
    THEN generate_series(first, last, step * athena_raise('a sequence must step towards its end')) ELSE generate_series(first, last, step) END
athena_month_sequence(first, last, months) AS
    CASE WHEN first IS NULL OR last IS NULL OR months IS NULL THEN NULL
    WHEN months = 0 OR (last > first AND months < 0) OR (last < first AND months > 0)
    THEN [first + to_months(athena_raise('a sequence must step towards its end'))]
    ELSE list_transform(range(0, abs(athena_months(first, last)) // abs(months) + 1), lambda month_i: first + to_months(CAST(month_i * months AS INTEGER))) END
athena_entries_to_map(x) AS
    map_from_entries(list_filter(x, lambda map_e, map_i: list_position(list_transform(x, lambda map_f: struct_extract(map_f, 'key')), struct_extract(map_e, 'key')) = map_i))

athena_map_agg(entries) AS
    CASE WHEN entries IS NOT NULL THEN athena_entries_to_map(list_filter(entries, lambda agg_e: agg_e IS NOT NULL)) END
athena_multimap_agg(entries) AS
    CASE WHEN entries IS NOT NULL THEN map(athena_array_distinct(list_transform(list_filter(entries, lambda multi_e: multi_e IS NOT NULL), lambda multi_k: struct_extract(multi_k, 'key'))),
    list_transform(athena_array_distinct(list_transform(list_filter(entries, lambda multi_e: multi_e IS NOT NULL), lambda multi_k: struct_extract(multi_k, 'key'))),
    lambda multi_d: list_transform(list_filter(entries, lambda multi_f: struct_extract(multi_f, 'key') = multi_d), lambda multi_v: struct_extract(multi_v, 'value')))) END
athena_quantile(p) AS
    CAST(least(p - 1, -0.000000001) AS DECIMAL(18,9))
athena_average(total, number, digits) AS
    CASE WHEN number > 0 THEN CAST(athena_divide_decimal(athena_unscaled(total), CAST(number AS HUGEINT)) AS DECIMAL(38,0)) / CAST(10 AS HUGEINT) ** digits END

athena_blanks() AS
    {BLANKS}
athena_substr(s, start) AS
    CASE WHEN s IS NULL OR start IS NULL THEN NULL WHEN start = 0 OR -start > length(s) THEN '' ELSE substr(s, start) END
athena_substring(s, start, size) AS
    CASE WHEN s IS NULL OR start IS NULL OR size IS NULL THEN NULL WHEN start = 0 OR -start > length(s) OR size <= 0 THEN '' ELSE substr(s, start, size) END
athena_replace(s, search, replacement) AS
    CASE WHEN s IS NULL OR search IS NULL OR replacement IS NULL THEN NULL WHEN s = '' AND search = '' THEN replacement WHEN search = '' THEN replacement || array_to_string(list_transform(string_split(s, ''), lambda split_c: split_c || replacement), '')
    ELSE replace(s, search, replacement) END
athena_reverse(s) AS
    array_to_string(list_reverse(string_split(s, '')), '')
athena_split(s, delimiter) AS
    CASE WHEN s IS NULL OR delimiter IS NULL THEN NULL WHEN delimiter = '' THEN string_split(s, CAST(athena_raise('the delimiter must not be empty') AS VARCHAR)) ELSE string_split(s, delimiter) END
athena_split_limit(s, delimiter, most) AS
    CASE WHEN s IS NULL OR delimiter IS NULL OR most IS NULL THEN NULL WHEN delimiter = '' THEN string_split(s, CAST(athena_raise('the delimiter must not be empty') AS VARCHAR)) WHEN most <= 0 THEN string_split(s, CAST(athena_raise('a limit must be positive') AS VARCHAR))
    WHEN len(string_split(s, delimiter)) <= most THEN string_split(s, delimiter)
    ELSE list_append(list_slice(string_split(s, delimiter), 1, most - 1), substr(s, 1 + (most - 1) * length(delimiter) + CAST(coalesce(list_sum(list_transform(list_slice(string_split(s, delimiter), 1, most - 1), lambda limit_p: length(limit_p))), 0) AS BIGINT))) END
athena_join(x, delimiter) AS
    CASE WHEN x IS NULL OR delimiter IS NULL THEN NULL WHEN len(list_filter(x, lambda join_v: join_v IS NOT NULL)) = 0 THEN ''
    ELSE list_reduce(list_filter(x, lambda join_v: join_v IS NOT NULL), lambda join_a, join_b: join_a || delimiter || join_b) END
athena_split_part(s, delimiter, i) AS
    CASE WHEN s IS NULL OR delimiter IS NULL OR i IS NULL THEN NULL WHEN i <= 0 THEN CAST(athena_raise('a part''s number must be positive') AS VARCHAR) ELSE list_extract(athena_split(s, delimiter), i) END
athena_pad(s, size, padding, padded) AS
    CASE WHEN s IS NULL OR size IS NULL OR padding IS NULL THEN NULL WHEN size < 0 THEN CAST(athena_raise('a length must not be negative') AS VARCHAR)
    WHEN padding = '' THEN CAST(athena_raise('the padding must not be empty') AS VARCHAR) ELSE padded END
athena_split_to_map(s, entries, pair) AS
    map_from_entries(list_transform(athena_split(s, entries), lambda entry_s: struct_pack("key" := CASE WHEN len(string_split(entry_s, pair)) = 2 THEN string_split(entry_s, pair)[1] ELSE CAST(athena_raise('an entry must have a key and a value') AS VARCHAR) END, "value" := string_split(entry_s, pair)[2])))

athena_scientific(t) AS
    list_extract(list_transform([t], lambda scientific_v: substr(rtrim(ltrim(replace(split_part(scientific_v, 'e', 1), '.', ''), '0'), '0'), 1, 1) || '.' ||
    CASE WHEN length(rtrim(ltrim(replace(split_part(scientific_v, 'e', 1), '.', ''), '0'), '0')) = 1 THEN '0' ELSE substr(rtrim(ltrim(replace(split_part(scientific_v, 'e', 1), '.', ''), '0'), '0'), 2) END || 'E' ||
    CAST(coalesce(TRY_CAST(split_part(scientific_v, 'e', 2) AS INTEGER), 0) + length(split_part(split_part(scientific_v, 'e', 1), '.', 1)) - 1
    - (length(replace(split_part(scientific_v, 'e', 1), '.', '')) - length(ltrim(replace(split_part(scientific_v, 'e', 1), '.', ''), '0'))) AS VARCHAR)), 1)
athena_double_text(x) AS
    CASE WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN x = 0 THEN CASE WHEN signbit(x) THEN '-0E0' ELSE '0E0' END
    ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || athena_scientific(CAST(abs(x) AS VARCHAR)) END
athena_real_text(x) AS
    CASE WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN x = 0 THEN CASE WHEN signbit(x) THEN '-0E0' ELSE '0E0' END
    ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || athena_scientific(printf('%.6e', CAST(abs(x) AS DOUBLE))) END
athena_fitting(s, most) AS
    CASE WHEN s IS NULL OR length(s) <= most THEN s ELSE CAST(athena_raise('a value is longer than the varchar that it is cast to') AS VARCHAR) END
athena_decimal_text(s) AS
    regexp_replace(s, '^(-?)\.', '\10.')
athena_checked(s, pattern) AS
    CASE WHEN s IS NULL OR regexp_full_match(s, pattern) THEN s ELSE CAST(athena_raise('a text cannot be cast to this type') AS VARCHAR) END
athena_text_to_double(s) AS
    CAST(regexp_replace(athena_checked(trim(s), '[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?)'), '[fFdD]$', '') AS DOUBLE)
athena_divide_decimal(a, b) AS
    CASE WHEN b = 0 THEN athena_raise('division by zero') ELSE (abs(a) // abs(b) + CASE WHEN 2 * (abs(a) % abs(b)) >= abs(b) THEN 1 ELSE 0 END) * sign(a) * sign(b) END
athena_from_base(s, base) AS
    CASE WHEN NOT regexp_full_match(s, '-?[0-9a-z]+') THEN CAST(athena_raise('a text is not a number of this base') AS BIGINT)
    WHEN len(list_filter(string_split(ltrim(s, '-'), ''), lambda digit_c: strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit_c) > base)) > 0 THEN CAST(athena_raise('a text is not a number of this base') AS BIGINT)
    ELSE CASE WHEN starts_with(s, '-') THEN -1 ELSE 1 END * list_reduce(list_transform(string_split(ltrim(s, '-'), ''), lambda digit_c: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit_c) - 1 AS BIGINT)), lambda base_a, base_b: base_a * CAST(base AS BIGINT) + base_b) END
athena_cbrt(x) AS
    CASE WHEN x = 0 OR NOT isfinite(x) THEN x ELSE cbrt(x) - (cbrt(x) * cbrt(x) * cbrt(x) - x) / (3 * cbrt(x) * cbrt(x)) END
athena_width_bucket(x, first, last, size) AS
    CASE WHEN x IS NULL OR first IS NULL OR last IS NULL OR size IS NULL THEN NULL
    WHEN size <= 0 OR first = last THEN athena_raise('width_bucket takes two different bounds and a positive number of buckets')
    WHEN x < least(first, last) THEN CASE WHEN first < last THEN 0 ELSE size + 1 END
    WHEN x >= greatest(first, last) THEN CASE WHEN first < last THEN size + 1 ELSE 0 END
    WHEN first < last THEN CAST(trunc(size * (x - first) / (last - first) + 1) AS BIGINT)
    ELSE size - CAST(trunc(size * (x - last) / (first - last) + 1) AS BIGINT) + 1 END
athena_modulus(a, b) AS
    CASE WHEN b = -1 THEN a - a ELSE a % b END
athena_unscaled(x) AS
    CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT)

athena_at(t) AS
    CAST(struct_extract(t, 'at') AS TIMESTAMP)
athena_tz(moment, zone_name) AS
    CASE WHEN moment IS NULL OR zone_name IS NULL THEN NULL ELSE struct_pack("at" := moment, "zone" := CASE WHEN zone_name IN ('Z', '+00:00', '-00:00') THEN 'UTC' ELSE zone_name END) END
athena_offset(zone_name) AS
    to_minutes(CAST(zone_name[1:3] AS INTEGER) * 60 + CAST(zone_name[1] || zone_name[5:6] AS INTEGER))
athena_local(t) AS
    list_extract(list_transform([t], lambda place_v: CASE WHEN struct_extract(place_v, 'zone') = 'UTC' THEN athena_at(place_v)
    WHEN regexp_full_match(struct_extract(place_v, 'zone'), '[+-]\d\d:\d\d') THEN athena_at(place_v) + athena_offset(struct_extract(place_v, 'zone'))
    ELSE timezone(struct_extract(place_v, 'zone'), timezone('UTC', athena_at(place_v))) END), 1)
athena_zone_offset(moment, zone_name) AS
    list_extract(list_transform([struct_pack(moment := moment, zone_name := zone_name)], lambda zone_v: CASE WHEN regexp_full_match(zone_v.zone_name, '[+-]\d\d:\d\d') THEN athena_offset(zone_v.zone_name) ELSE timezone(zone_v.zone_name, timezone('UTC', zone_v.moment)) - zone_v.moment END), 1)
athena_in_offset(moment, zone_name, one) AS
    list_extract(list_transform([struct_pack(moment := moment, one := one)], lambda in_v: CASE WHEN athena_zone_offset(in_v.moment - in_v.one, zone_name) = in_v.one THEN in_v.moment - in_v.one END), 1)
athena_by_offsets(moment, zone_name, one, other) AS
    list_extract(list_transform([struct_pack(moment := moment, zone_name := zone_name, one := one, other := other)], lambda offsets_v: coalesce(athena_in_offset(offsets_v.moment, offsets_v.zone_name, offsets_v.one), athena_in_offset(offsets_v.moment, offsets_v.zone_name, offsets_v.other), offsets_v.moment - least(offsets_v.one, offsets_v.other))), 1)
athena_from_local(moment, zone_name, near) AS
    list_extract(list_transform([struct_pack(m := moment, z := zone_name, n := near)], lambda local_v: athena_tz(CASE WHEN local_v.z IN ('UTC', 'Z') THEN local_v.m ELSE coalesce(athena_in_offset(local_v.m, local_v.z, athena_zone_offset(local_v.n, local_v.z)),
    athena_by_offsets(local_v.m, local_v.z, athena_zone_offset(local_v.m, local_v.z), athena_zone_offset(local_v.m - athena_zone_offset(local_v.m, local_v.z), local_v.z))) END, local_v.z)), 1)
athena_from_clock(moment, zone_name) AS
    list_extract(list_transform([struct_pack(m := moment, z := zone_name)], lambda clock_v: athena_tz(CASE WHEN clock_v.z IN ('UTC', 'Z') THEN clock_v.m ELSE athena_by_offsets(clock_v.m, clock_v.z,
    greatest(athena_zone_offset(clock_v.m - INTERVAL 1 DAY, clock_v.z), athena_zone_offset(clock_v.m + INTERVAL 1 DAY, clock_v.z)),
    least(athena_zone_offset(clock_v.m - INTERVAL 1 DAY, clock_v.z), athena_zone_offset(clock_v.m + INTERVAL 1 DAY, clock_v.z))) END, clock_v.z)), 1)
athena_from_offset(moment, zone_name) AS
    athena_tz(CASE WHEN zone_name = 'UTC' THEN moment ELSE moment - athena_offset(zone_name) END, zone_name)
athena_offset_minutes(t) AS
    CAST(datediff('minute', athena_at(t), athena_local(t)) AS BIGINT)
athena_offset_text(t, colon) AS
    CASE WHEN athena_offset_minutes(t) < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(athena_offset_minutes(t)) // 60 AS VARCHAR), 2, '0') || colon || lpad(CAST(abs(athena_offset_minutes(t)) % 60 AS VARCHAR), 2, '0')
athena_iso_zone(t) AS
    CASE WHEN struct_extract(t, 'zone') = 'UTC' THEN 'Z' ELSE athena_offset_text(t, ':') END
athena_offset_form() AS
    '(Z|[+-]\d\d(:?\d\d)?)$'
athena_before_offset(s) AS
    regexp_replace(athena_checked(s, '(?s).*' || athena_offset_form()), athena_offset_form(), '')
athena_read_offset(s) AS
    CASE WHEN s IS NOT NULL THEN CASE WHEN ends_with(s, 'Z') THEN 'UTC' ELSE regexp_replace(regexp_extract(s, athena_offset_form()) || '00', '^(...):?(..).*', '\1:\2') END END
athena_iso_round_trip(day, s, form) AS
    CASE WHEN strftime(day, form) = s THEN day ELSE CAST(athena_checked(s, '') AS DATE) END
athena_iso_date(s) AS
    list_extract(list_transform([s], lambda date_v: CASE WHEN regexp_full_match(date_v, '\d{4}-W\d\d(-\d)?') THEN athena_iso_round_trip(CAST(try_strptime(date_v[1:8] || coalesce(nullif(date_v[9:10], ''), '-1'), '%G-W%V-%u') AS DATE), date_v[1:8] || coalesce(nullif(date_v[9:10], ''), '-1'), '%G-W%V-%u')
    WHEN regexp_full_match(date_v, '\d{4}-\d{3}') THEN athena_iso_round_trip(CAST(TRY_CAST(date_v[1:4] || '-01-01' AS DATE) + to_days(TRY_CAST(date_v[6:8] AS INTEGER) - 1) AS DATE), date_v, '%Y-%j')
    ELSE CAST(athena_checked(date_v, '\d{4}(-\d\d(-\d\d)?)?') || '-01-01'[length(date_v) - 3:] AS DATE) END), 1)
athena_from_iso(s) AS
    list_extract(list_transform([s], lambda iso_v: athena_from_offset(CAST(
    CAST(athena_iso_date(split_part(athena_checked(iso_v, '[^T]+(T\d\d(:\d\d(:\d\d([.,]\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?'), 'T', 1)) AS VARCHAR)
    || ' ' || regexp_extract(iso_v, 'T(\d\d(:\d\d(:\d\d)?)?)', 1) || substr('00:00:00', length(regexp_extract(iso_v, 'T(\d\d(:\d\d(:\d\d)?)?)', 1)) + 1)
    || replace(regexp_extract(iso_v, '[.,]\d{1,3}'), ',', '.') AS TIMESTAMP),
    CASE WHEN regexp_matches(iso_v, 'T.*[+-]\d\d') THEN athena_read_offset(iso_v) ELSE 'UTC' END)), 1)

athena_zoned_part(s, part) AS
    regexp_extract(trim(s), '^(\d{4,}-\d{1,2}-\d{1,2}(?: \d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{1,6})?)?)?) ?([A-Za-z+-].*)?$', part)
athena_zoned(s) AS
    athena_from_clock(CAST(athena_checked(athena_zoned_part(s, 1), '.+') AS TIMESTAMP), coalesce(nullif(athena_zoned_part(s, 2), ''), 'UTC'))

athena_time_less(a, b) AS
    CAST(CAST(a AS TIMESTAMP) AS TIME) < CAST(CAST(b AS TIMESTAMP) AS TIME)
athena_months_up(a, b) AS
    (year(b) - year(a)) * 12 + month(b) - month(a) - CASE
    WHEN day(b) < day(a) AND day(b) <> day(last_day(b)) THEN 1
    WHEN (day(b) = day(a) OR (day(b) < day(a) AND day(b) = day(last_day(b)))) AND athena_time_less(b, a) THEN 1 ELSE 0 END
athena_months(a, b) AS
    CASE WHEN a <= b THEN athena_months_up(a, b) ELSE -athena_months_up(b, a) END
athena_leap(a) AS
    (year(a) % 4 = 0 AND (year(a) % 100 <> 0 OR year(a) % 400 = 0))
athena_year_day(a, other, is_later) AS
    dayofyear(a) - CASE WHEN dayofyear(a) >= 60 AND athena_leap(a) AND NOT athena_leap(other) AND (NOT is_later OR dayofyear(other) >= 60) THEN 1 ELSE 0 END
athena_years_up(a, b) AS
    year(b) - year(a) - CASE WHEN athena_year_day(b, a, true) < athena_year_day(a, b, false)
    OR (athena_year_day(b, a, true) = athena_year_day(a, b, false) AND athena_time_less(b, a)) THEN 1 ELSE 0 END
athena_years(a, b) AS
    CASE WHEN a <= b THEN athena_years_up(a, b) ELSE -athena_years_up(b, a) END
athena_pivot(t) AS
    CASE WHEN year(t) = 1969 THEN t + to_years(100) ELSE t END
athena_millis(a) AS
    epoch_ms(CAST(a AS TIMESTAMP))
athena_from_unixtime(x) AS
    make_timestamp(CAST(floor(x * 1000 + 0.5) AS BIGINT) * 1000)
athena_whole_days(x) AS
    CASE WHEN epoch_us(x) % 86400000000 = 0 THEN x ELSE x * athena_raise('a date takes an interval of whole days: no hours, minutes or seconds') END
athena_whole_months(x) AS
    datepart('year', x) * 12 + datepart('month', x)
athena_interval_text(x) AS
    CASE WHEN epoch_us(x) < 0 THEN '-' ELSE '' END || CAST(abs(epoch_us(x)) // 86400000000 AS VARCHAR) || ' ' || strftime(make_timestamp(abs(epoch_us(x)) % 86400000000), '%H:%M:%S.%g')
athena_months_text(x) AS
    CASE WHEN athena_whole_months(x) < 0 THEN '-' ELSE '' END || CAST(abs(athena_whole_months(x)) // 12 AS VARCHAR) || '-' || CAST(abs(athena_whole_months(x)) % 12 AS VARCHAR)

athena_before_line_end(s) AS
    CASE WHEN s IS NULL OR NOT ends_with(s, chr(10)) THEN s ELSE CAST(athena_raise('a text ends with a line break, before which $ matches in Athena: write \z for the end') AS VARCHAR) END
athena_in_ascii(s) AS
    CASE WHEN s IS NULL OR regexp_full_match(s, '[\x00-\x7f]*') THEN s ELSE CAST(athena_raise('a text has letters beyond ASCII, whose bounds \b sees in Athena alone') AS VARCHAR) END

athena_json_valid(s) AS
    json_valid(s) AND NOT regexp_matches(regexp_replace(regexp_replace(s, '"(?:[^"\\]|\\.)*"', '""', 'g'), 'true|false|null', '0', 'g'), '[^\s\d.,:eE"{}\[\]+-]|,\s*[}\]]')
athena_json(s) AS
    CASE WHEN athena_json_valid(s) THEN json(s) END
athena_json_tokens(s) AS
    regexp_extract_all(s, '"(?:[^"\\]|\\.)*"|[^"]+')
athena_numbers_as_texts(s) AS
    CASE WHEN athena_json_valid(s) THEN array_to_string(list_transform(athena_json_tokens(s),
    lambda number_p: CASE WHEN starts_with(number_p, '"') THEN number_p ELSE regexp_replace(number_p, '-?\d[\d.eE+-]*', '"\0"', 'g') END), '') END
athena_json_marked(s) AS
    array_to_string(list_transform(athena_json_tokens(s),
    lambda mark_p: CASE WHEN starts_with(mark_p, '"') THEN '"s' || mark_p[2:] ELSE regexp_replace(mark_p, '-?\d[\d.eE+-]*', '"n\0"', 'g') END), '')
athena_json_unmarked(s) AS
    array_to_string(list_transform(athena_json_tokens(s),
    lambda mark_p: CASE WHEN starts_with(mark_p, '"n') THEN mark_p[3:-2] WHEN starts_with(mark_p, '"s') THEN '"' || mark_p[3:] ELSE mark_p END), '')
athena_java_number(t, x) AS
    CASE WHEN abs(x) >= 0.001e0 AND abs(x) < 10000000 OR x = 0 OR NOT isfinite(x) THEN t ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || athena_scientific(ltrim(t, '-')) END
athena_json_of_number(x) AS
    CASE WHEN isnan(x) THEN 'sNaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'sInfinity' ELSE 's-Infinity' END ELSE 'n' || athena_java_number(CAST(x AS VARCHAR), x) END
athena_json_number_text(t) AS
    CASE WHEN regexp_matches(t, '[.eE]') THEN athena_java_number(CAST(TRY_CAST(t AS DOUBLE) AS VARCHAR), TRY_CAST(t AS DOUBLE)) WHEN t = '-0' THEN '0' ELSE t END
athena_java_json(s) AS
    list_extract(list_transform([s], lambda java_v: CASE WHEN regexp_matches(java_v, '\d[.eE]|-0') THEN CAST(array_to_string(list_transform(athena_json_tokens(athena_json_marked(java_v)),
    lambda double_p: CASE WHEN starts_with(double_p, '"n') THEN athena_json_number_text(double_p[3:-2]) WHEN starts_with(double_p, '"s') THEN '"' || double_p[3:] ELSE double_p END), '') AS JSON) ELSE java_v END), 1)
athena_json_sorted(s) AS
    CASE WHEN s IS NOT NULL THEN coalesce(athena_java_json(CAST(athena_json_unmarked(CAST(CAST(CAST(athena_json_marked(s) AS JSON) AS VARIANT) AS JSON)) AS JSON)), CAST('null' AS JSON)) END
athena_json_scalar(j, path) AS
    CASE WHEN json_type(j, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(j, path) END
athena_json_text(j) AS
    CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY') THEN CAST(athena_raise('a JSON value cannot be cast to this type') AS VARCHAR) ELSE json_extract_string(j, '$') END
athena_json_number(j) AS
    CASE WHEN json_type(j) = 'BOOLEAN' THEN CASE WHEN athena_json_text(j) = 'true' THEN '1' ELSE '0' END ELSE athena_json_text(j) END
athena_json_varchar(j) AS
    list_extract(list_transform([j], lambda varchar_v: CASE WHEN json_type(varchar_v) = 'DOUBLE' AND regexp_matches(athena_json_text(varchar_v), '[.eE]') THEN athena_double_text(TRY_CAST(athena_json_text(varchar_v) AS DOUBLE)) ELSE athena_json_text(varchar_v) END), 1)
athena_json_elements(j) AS
    CAST(CASE coalesce(json_type(j), 'NULL') WHEN 'NULL' THEN NULL WHEN 'ARRAY' THEN json_extract(j, '$[*]') ELSE [CAST(athena_raise('a JSON value cannot be cast to this type') AS JSON)] END AS JSON[])
athena_json_keys(j) AS
    CAST(CASE coalesce(json_type(j), 'NULL') WHEN 'NULL' THEN NULL WHEN 'OBJECT' THEN json_keys(j) ELSE [CAST(athena_raise('a JSON value cannot be cast to this type') AS VARCHAR)] END AS VARCHAR[])
athena_json_field(j, name, place, size) AS
    CASE WHEN json_type(j) = 'OBJECT' THEN list_extract(json_extract(j, '$.*'), list_position(list_transform(json_keys(j), lambda field_k: lower(field_k)), name))
    WHEN json_type(j) = 'ARRAY' AND json_array_length(j) = size THEN list_extract(json_extract(j, '$[*]'), place + 1)
    WHEN json_type(j) <> 'NULL' THEN CAST(athena_raise('a JSON value cannot be cast to this type') AS JSON) END
athena_json_array(j) AS
    CASE WHEN json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END
athena_json_contains(j, form, written) AS
    CASE WHEN json_type(j) = 'ARRAY' AND written IS NOT NULL THEN list_contains(list_transform(list_filter(CAST(json_extract(j, '$[*]') AS JSON[]),
    lambda item_j: regexp_full_match(json_type(item_j), form)), lambda item_t: json_extract_string(item_t, '$')), written) END
athena_json_size(j, path) AS
    CASE json_type(j, path) WHEN 'ARRAY' THEN CAST(json_array_length(j, path) AS BIGINT) WHEN 'OBJECT' THEN CAST(len(json_keys(j, path)) AS BIGINT) WHEN NULL THEN NULL ELSE CASE WHEN json_type(j, path) IS NOT NULL THEN CAST(0 AS BIGINT) END END
athena_json_checked(s) AS
    CASE WHEN s IS NULL OR athena_json_valid(s) THEN json(s) ELSE CAST(athena_raise('a text is not JSON') AS JSON) END
athena_json_parse(s) AS
    athena_json_sorted(athena_json_checked(s))

athena_is_url(s) AS
    regexp_full_match(s, '([A-Za-z][A-Za-z0-9+.-]*:)?([A-Za-z0-9_.~!$&''()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*')
athena_url(s, part) AS
    CASE WHEN athena_is_url(s) THEN regexp_extract(s, '^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$', CAST(part AS INTEGER)) END
athena_url_parameter(s, key) AS
    CASE WHEN athena_url(s, 5) <> '' THEN list_extract(list_transform(list_filter(string_split(url_decode(athena_url(s, 5)), '&'), lambda query_p: split_part(query_p, '=', 1) = key), lambda query_q: substr(query_q, length(key) + 2)), 1) END
