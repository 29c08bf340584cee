"""A source behind a real HTTP API on loopback: `serving` is the API, `wires` are its ways of paging, `http` its server.

Nothing is imported here: a world needs the names of the wires, and no server.
"""
