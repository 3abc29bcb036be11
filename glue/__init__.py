"""The schemas of the record types, and all that is generated from them. No AWS calls."""
