"""Replay: which dead-lettered records go back to their topic, and how they are sent."""
