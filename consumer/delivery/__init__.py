"""From decided records to outcomes: batching, requests to Meta, retries, dead-lettering."""
