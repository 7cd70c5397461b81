"""Consuming, committing, producing and administration, on top of confluent-kafka."""
