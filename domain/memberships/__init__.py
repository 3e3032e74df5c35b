"""Who comes into segments and who leaves them: found for changed customers and by the clock, told as events."""
