"""Tables of any source as typed columns: read, inferred, profiled."""
