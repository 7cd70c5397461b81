"""Checks of settings, Kafka and Meta before and beside the consumer."""
