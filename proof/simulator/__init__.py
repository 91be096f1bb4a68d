"""Years of schedules in minutes: the engine's own decisions over a model of its two stores, on a clock of its own.

What runs here as in production: `scheduler.ticker`, `scheduler.steps`, `scheduler.made`, `scheduler.relay`, what the API
and the command call in `scheduler.schedules`, `scheduler.asked` and `scheduler.runs`, and all that these ask for slots
and plans. What is a model: each statement of `sql/queries` (a function of the same name), Redis, the workers, time.
"""
