"""What a scenario plays in: the `world` itself, who acts in it, what befalls it, and the `course` of it all."""
