"""The functions of Trino that are known here: a family a file. One that stands in none of them is refused by name."""
