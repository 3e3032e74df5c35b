"""Events of customers as clients send them: checked, stored once each, and applied to all that follows from them."""
