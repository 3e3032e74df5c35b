"""Points, store credits, gift cards and coupons of customers."""
