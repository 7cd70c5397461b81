"""Files of events, whatever their form: JSON lines, JSON, CSV; and where in the file each event stands."""
