"""The running consumer: its parts, the poll loop, and the bridge between its two threads."""
