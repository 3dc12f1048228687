"""Pure rules: no input, no output, no clock of its own."""
