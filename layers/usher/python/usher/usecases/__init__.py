"""What Usher does, one file per step: a command, a result and the function between them."""
