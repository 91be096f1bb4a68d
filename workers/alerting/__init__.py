"""The judging of alerts, free of I/O and of the clock: a policy, a series and a slot in, a decision and its record out."""
