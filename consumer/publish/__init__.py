"""The command `publish`: check events of a file and write them to Kafka."""
