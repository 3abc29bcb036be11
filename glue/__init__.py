"""The schemas of the record types, and everything that is generated from them. It makes no AWS calls."""
