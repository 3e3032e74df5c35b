"""Whatever comes in by any door is answered, or refused with a reason: quickly, in bounds, and no word too many."""
