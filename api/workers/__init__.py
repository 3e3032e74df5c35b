"""Jobs run here: brokers notify, consumers work, the scheduler finds what nobody was notified of."""
