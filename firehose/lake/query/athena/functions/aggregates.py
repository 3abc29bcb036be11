"""Aggregates and window functions."""

from firehose.lake.query.athena.functions.registry import AGGREGATES, WINDOW_FUNCTIONS, add

_AGGREGATES = """
count() -> bigint = count<<*>>
count(timestamptz) -> bigint = count<<athena_at({0})>>
count(T) -> bigint = count<<{0}>>
count_if(boolean) -> bigint = CAST(coalesce(count_if<<{0}>>, 0) AS BIGINT)
sum(bigint) -> bigint = CAST(sum<<{0}>> AS BIGINT)
sum(decimal(p,s)) -> decimal(38,s) = CAST(sum<<{0}>> AS {R})
sum(real) -> real = CAST(sum<<{0}>> AS FLOAT)
sum(double) -> double = sum<<{0}>>
sum(daysecond) -> daysecond = to_microseconds(CAST(sum<<epoch_us({0})>> AS BIGINT))
avg(daysecond) -> daysecond = to_microseconds(CAST(round(avg<<epoch_us({0}) / 1000>>) AS BIGINT) * 1000)
avg(bigint) -> double = avg<<{0}>>
avg(decimal(p,s)) -> decimal(p,s) = CAST(athena_average(sum<<{0}>>, count<<{0}>>, {s}) AS {R})
avg(real) -> real = CAST(avg<<{0}>> AS FLOAT)
avg(double) -> double = avg<<{0}>>
min(T) -> T = min<<{0}>>
max(T) -> T = max<<{0}>>
min(T,bigint) -> array(T) = min<<{0}, {1}>>
max(T,bigint) -> array(T) = max<<{0}, {1}>>
min_by(T,U) -> T = arg_min_null<<{0}, {1}>>
max_by(T,U) -> T = arg_max_null<<{0}, {1}>>
min_by(T,U,bigint) -> array(T) = list_transform(arg_min<<struct_pack(v := {0}), {1}, {2}>>, lambda by_v: by_v.v)
max_by(T,U,bigint) -> array(T) = list_transform(arg_max<<struct_pack(v := {0}), {1}, {2}>>, lambda by_v: by_v.v)
arbitrary(T) -> T = any_value<<{0}>>
any_value(T) -> T = any_value<<{0}>>
array_agg(T) -> array(T) = list<<{0}>>
set_agg(E) -> array(E) = athena_array_distinct(list<<{0}>>)
set_agg(timestamptz(p)) -> array(timestamptz(p)) = athena_distinct_instants(list<<{0}>>)
bool_and(boolean) -> boolean = bool_and<<{0}>>
every(boolean) -> boolean = bool_and<<{0}>>
bool_or(boolean) -> boolean = bool_or<<{0}>>
approx_distinct(timestamptz) -> bigint = count<<DISTINCT athena_at({0})>>
approx_distinct(E) -> bigint = count<<DISTINCT {0}>>
approx_distinct(E,double) -> bigint = count<<DISTINCT {0}>>
approx_distinct(timestamptz,double) -> bigint = count<<DISTINCT athena_at({0})>>
approx_percentile(bigint,double) -> bigint = quantile_disc<<{0}, athena_quantile({1})>>
approx_percentile(double,double) -> double = quantile_disc<<{0}, athena_quantile({1})>>
approx_percentile(bigint,array(double)) -> array(bigint) = quantile_disc<<{0}, list_transform({1}, lambda p: athena_quantile(p))>>
approx_percentile(double,array(double)) -> array(double) = quantile_disc<<{0}, list_transform({1}, lambda p: athena_quantile(p))>>
stddev(double) -> double = stddev_samp<<{0}>>
stddev_samp(double) -> double = stddev_samp<<{0}>>
stddev_pop(double) -> double = stddev_pop<<{0}>>
variance(double) -> double = var_samp<<{0}>>
var_samp(double) -> double = var_samp<<{0}>>
var_pop(double) -> double = var_pop<<{0}>>
corr(double,double) -> double = corr<<{0}, {1}>>
covar_pop(double,double) -> double = covar_pop<<{0}, {1}>>
covar_samp(double,double) -> double = covar_samp<<{0}, {1}>>
regr_slope(double,double) -> double = regr_slope<<{0}, {1}>>
regr_intercept(double,double) -> double = regr_intercept<<{0}, {1}>>
geometric_mean(double) -> double = exp(avg<<ln({0})>>)
histogram(K) -> map(K,bigint) = CAST(histogram<<{0}>> AS {R})
map_agg(K,V) -> map(K,V) = athena_map_agg(list<<CASE WHEN {0} IS NOT NULL THEN struct_pack("key" := {0}, "value" := {1}) END>>)
multimap_agg(K,V) -> map(K,array(V)) = athena_multimap_agg(list<<CASE WHEN {0} IS NOT NULL THEN struct_pack("key" := {0}, "value" := {1}) END>>)
map_union(map(K,V)) -> map(K,V) = athena_map_agg(flatten(list<<map_entries({0})>>))
bitwise_and_agg(bigint) -> bigint = bit_and<<{0}>>
bitwise_or_agg(bigint) -> bigint = bit_or<<{0}>>
"""
_WINDOW_FUNCTIONS = """
row_number() -> bigint = row_number<<>>
rank() -> bigint = rank<<>>
dense_rank() -> bigint = dense_rank<<>>
percent_rank() -> double = percent_rank<<>>
cume_dist() -> double = cume_dist<<>>
ntile(bigint) -> bigint = ntile<<{0}>>
lag(T) -> T = lag<<{0}>>
lag(T,bigint) -> T = lag<<{0}, {1}>>
lag(T,bigint,T) -> T = lag<<{0}, {1}, {2}>>
lead(T) -> T = lead<<{0}>>
lead(T,bigint) -> T = lead<<{0}, {1}>>
lead(T,bigint,T) -> T = lead<<{0}, {1}, {2}>>
first_value(T) -> T = first_value<<{0}>>
last_value(T) -> T = last_value<<{0}>>
nth_value(T,bigint) -> T = nth_value<<{0}, {1}>>
"""
add(AGGREGATES, _AGGREGATES)
for _columns in ("T", "T,U", "T,U,V", "T,U,V,W"):
    add(AGGREGATES, f"grouping({_columns}) -> bigint = grouping({{*}})")
add(WINDOW_FUNCTIONS, _WINDOW_FUNCTIONS)
