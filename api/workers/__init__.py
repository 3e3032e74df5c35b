"""Jobs are done here: brokers ring, lanes work, the schedule finds what nobody rang for."""
