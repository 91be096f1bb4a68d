"""The dashboard: pages by noun, made on the server; each reads and changes what the API does, by the API's own functions.

A page works without JavaScript; with it, htmx renews the parts that live and swaps what was asked for.
"""
