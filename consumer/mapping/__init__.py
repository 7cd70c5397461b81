"""From an event to what Meta gets: consent, mapping, eligibility. Pure."""
