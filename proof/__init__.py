"""The proof: what happened, told by the history and by sinks outside, held against what should have happened.

It reads tables and files, and shares no code with the engine that it judges.
"""
