"""Customers' lifecycle: scores of what they bought, and the stages that follow from them."""
