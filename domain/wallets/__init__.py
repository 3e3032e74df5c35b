"""What customers hold: points, store credits, gift cards, coupons."""
