"""Where customers stand: scores of what they bought, and the stages that follow from them."""
