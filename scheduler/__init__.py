"""When: turns schedules into runs and runs into messages; never runs a kind."""
