"""Pure: what to do with a record. Reads no clock, no socket, no environment, no randomness."""
