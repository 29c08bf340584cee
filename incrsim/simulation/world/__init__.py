"""What a scenario plays in: the `world` itself, who acts in it, what befalls it, and the `course` of it all.

Nothing is imported here: what happens in a world (`happenings`) is needed by those who only read of it.
"""
