"""From what a function answered to objects in a bucket: partition keys, buffers, prefixes, the error output."""
