"""The command `explain`: show what Meta would get for an event, and why not."""
